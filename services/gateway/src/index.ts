export { type CallbacksDeps, createCallbacks } from './callbacks/callbacks.ts';
export type { GatewayDeps, TaskReader } from './context.ts';
export { createFirstKeyFile, type FirstKeyDeps } from './first-key-file.ts';
export { createGateway, type Gateway } from './gateway.ts';
