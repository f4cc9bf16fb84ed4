export { type BackoffOptions, backoffMs } from './backoff.ts';
export { type Clock, systemClock } from './clock.ts';
export type {
  ApiKeyConfig,
  Config,
  ExecutorConfig,
  GatewayConfig,
  InventoryTarget,
  LimitsConfig,
  PlatformsConfig,
  SshConfig,
  SshIdentity,
  TenantConfig,
} from './config/config.ts';
export { withDeadline } from './deadline.ts';
export { durationPattern, formatDuration, parseDuration } from './duration.ts';
export {
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  envelope,
  envelopeVersion,
  isKind,
  type MessageBodies,
  type MessageKind,
} from './envelope.ts';
export { type ErrorCode, type ErrorEntry, errorCatalog, errorCodes } from './error-catalog.ts';
export { asMoltError, type ErrorPlace, hasCode, isMoltError, MoltError, type MoltErrorOptions } from './errors.ts';
export { newId, runIdOf, runIndexOf, taskIdOf } from './ids.ts';
export { createLogger, type Logger, type LogLevel, silentLogger } from './logger.ts';
export type { JournalEntry, MessageJournal } from './message-journal.ts';
export {
  Counter,
  counter,
  createRegistry,
  Gauge,
  gauge,
  Histogram,
  histogram,
  type MetricOptions,
  Registry,
} from './metrics.ts';
export { createOpsServer, type OpsServer, type OpsServerOptions } from './ops-server.ts';
export { Origin } from './origin.ts';
export { Principal, TenantId } from './principal.ts';
export { RunOrder, type RunRecord } from './run.ts';
export { RunError, RunOutcome } from './run-outcome.ts';
export { isFinal, isLeased, isLegalRunMove, legalRunMoves, type RunState, runStates } from './run-state.ts';
export { Secret } from './secret.ts';
export type { Service, ServiceHealth } from './service.ts';
export { type LocalTarget, Name, type SshTarget, Target } from './target.ts';
export { Priority, RunLimits, Task, type TaskRecord } from './task.ts';
export { TaskRequest, type TaskRequestInput } from './task-request.ts';
export { finalStatesBySeverity, type RunCounts, type TaskState, taskStateOf, taskStates } from './task-state.ts';
