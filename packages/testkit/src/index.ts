export { eventually } from './eventually.ts';
export { freePort } from './free-port.ts';
export { type ServerProcess, type ServerProcessOptions, startProcess, untilListening } from './server-process.ts';
export { checkServiceContract } from './service-contract.ts';
