export { createStandalone } from './standalone.ts';
