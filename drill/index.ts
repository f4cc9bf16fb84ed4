export { startDrillDiscord } from './chat/discord.ts';
export type { DrillPlatform } from './chat/drill-platform.ts';
export { killing, losingAnswers, restarting, storming, type Victims } from './chat/faults.ts';
export { type Ground, startGround } from './chat/ground.ts';
export { startDrillLark } from './chat/lark.ts';
export { runChat } from './chat/run.ts';
