export { createDiscordBots, type DiscordBotsDeps } from './discord-bots.ts';
export { createDiscordIngress, type DiscordIngressDeps } from './ingress.ts';
