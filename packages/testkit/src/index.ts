export {
  type Answer,
  type ApiClient,
  createApiClient,
  type RunView,
  type SseEvent,
  type TaskView,
} from './api-client.ts';
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
export { type RabbitmqOptions, startRabbitmq, type TestRabbitmq } from './rabbitmq.ts';
export { type RedisOptions, startRedis, type TestRedis } from './redis.ts';
export { type ServerProcess, type ServerProcessOptions, startProcess, untilListening } from './server-process.ts';
export { checkServiceContract } from './service-contract.ts';
export { residentMib, startService, untilReady } from './service-process.ts';
export { type SshdOptions, startSshd, type TestSshd } from './sshd.ts';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
