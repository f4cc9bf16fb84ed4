export { createLocalTransport } from './local.ts';
export { tidyCommand } from './shell/tidy-command.ts';
export { createSshTransport } from './ssh/transport.ts';
