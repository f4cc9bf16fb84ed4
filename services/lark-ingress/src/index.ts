export { createLarkBots, type LarkBotsDeps } from './lark-bots.ts';
