export {
  type Answer,
  type ApiClient,
  createApiClient,
  type RunView,
  type SseEvent,
  type TaskView,
} from './api-client.ts';
export type { Counters as DiscordCounters } from './discord/counters.ts';
export type { DiscordFaults } from './discord/faults.ts';
export type { Ping as DiscordPing } from './discord/model.ts';
export type { DiscordOptions } from './discord/options.ts';
export type { ShownModal } from './discord/people.ts';
export type { RequestRecord as DiscordRequest } from './discord/rest-server.ts';
export type { SlashOptions } from './discord/slash-input.ts';
export { startDiscord, type TestDiscord } from './discord/start-discord.ts';
export type { TestUser, UserAnswer, UserInteraction } from './discord/test-user.ts';
export type { DiscordButton, DiscordFile, DiscordMessage } from './discord/view.ts';
export { eventually } from './eventually.ts';
export { freePort } from './free-port.ts';
export {
  type Installation,
  type InstallationOptions,
  type ServiceLink,
  type StartInstallation,
  startDistributed,
  startEmbedded,
} from './installation.ts';
export type { LarkButton } from './lark/card-controls.ts';
export type { Counters as LarkCounters } from './lark/counters.ts';
export type { Delivery as LarkDelivery } from './lark/deliveries.ts';
export type { LarkFaults } from './lark/faults.ts';
export type { Ping as LarkPing } from './lark/model.ts';
export type { RequestRecord as LarkRequest } from './lark/open-api.ts';
export type { LarkOptions } from './lark/options.ts';
export { type LarkThread, startLark, type TestLark } from './lark/start-lark.ts';
export type { Subscription as LarkSubscription, TestApp as LarkApp } from './lark/test-app.ts';
export type { TestUser as LarkUser, UserAnswer as LarkAnswer } from './lark/test-user.ts';
export type { LarkElement, LarkFile, LarkMessage, LarkVersion } from './lark/view.ts';
export type { HookAnswer as LarkHookAnswer, HookRequest as LarkHookRequest } from './lark/webhook.ts';
export { type RabbitmqOptions, startRabbitmq, type TestRabbitmq } from './rabbitmq.ts';
export { type RedisOptions, startRedis, type TestRedis } from './redis.ts';
export { type ServerProcess, type ServerProcessOptions, startProcess, untilListening } from './server-process.ts';
export { checkServiceContract } from './service-contract.ts';
export { compileCache, residentMib, startService, untilReady } from './service-process.ts';
export { type SshdOptions, startSshd, type TestSshd } from './sshd.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
