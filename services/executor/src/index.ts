export { createExecutor, type ExecutorDeps } from './executor.ts';
export { createLocalTransport, createSshTransport } from './transports/index.ts';
