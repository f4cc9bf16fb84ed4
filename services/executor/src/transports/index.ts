export { createLocalTransport } from './local.ts';
export { createSshTransport } from './ssh/transport.ts';
