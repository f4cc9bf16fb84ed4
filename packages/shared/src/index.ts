export {
  apiKeyHashPattern,
  apiKeyIdPattern,
  hashApiKey,
  matchesHash,
  type NewApiKey,
  newApiKey,
  parseApiKey,
} from './api-key.ts';
export { type BackoffOptions, backoffMs } from './backoff.ts';
export { type Bell, createBell } from './bell.ts';
export { cannotListen, type ListenAddress } from './cannot-listen.ts';
export { logChannel, whyNoChannel } from './channel-names.ts';
export { type Clock, systemClock } from './clock.ts';
export { composeServices, healthOf } from './compose-services.ts';
export type {
  AliasConfig,
  ApiKeyConfig,
  CalendarConfig,
  CallbacksConfig,
  ChannelConfig,
  ChatSpaceConfig,
  Config,
  DiscordConfig,
  EmailChannelConfig,
  ExecutorConfig,
  GatewayConfig,
  GuardConfig,
  InventoryTarget,
  LarkConfig,
  LimitsConfig,
  NotificationRoute,
  NotificationsConfig,
  PlatformsConfig,
  PluginChannelConfig,
  QuietHours,
  SchedulerConfig,
  SshConfig,
  SshIdentity,
  TenantConfig,
  WebhookChannelConfig,
} from './config/config.ts';
export { configJsonSchema, configKeys } from './config/json-schema.ts';
export type { ConfigKey, SchemaNode } from './config/keys.ts';
export { type LoadConfigOptions, type LoadedConfig, loadConfig } from './config/load.ts';
export { formatConfig } from './config/redact.ts';
export { corkByTurn } from './cork-by-turn.ts';
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
  replyEnvelope,
  watchOf,
} from './envelope.ts';
export { type ErrorCode, type ErrorEntry, errorCatalog, errorCodes } from './error-catalog.ts';
export { asMoltError, type ErrorPlace, hasCode, isMoltError, MoltError, type MoltErrorOptions } from './errors.ts';
export { matchesGlob } from './glob.ts';
export { idFrom, newId, runIdOf, runIndexOf, taskIdOf } from './ids.ts';
export type { JsonObject, JsonValue } from './json.ts';
export { createLogger, type Logger, type LogLevel, silentLogger, withFields } from './logger.ts';
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
export { nearest } from './nearest.ts';
export {
  gravest,
  isBelow,
  Notification,
  type NotificationAction,
  type NotificationField,
  type NotificationLink,
  notificationKeyOf,
  notificationLimits,
  usualActions,
} from './notification.ts';
export {
  type Occurrence,
  type OccurrenceReason,
  type OccurrenceState,
  occurrenceIdOf,
  occurrenceStates,
} from './occurrence.ts';
export { createOpsServer, type OpsServer, type OpsServerOptions } from './ops-server.ts';
export {
  Callback,
  type ChatPlatformName,
  chatPlatforms,
  Origin,
  Place,
  type ReplyPlatform,
  replyPlatformOf,
  replyPlatforms,
} from './origin.ts';
export { Principal, TenantId } from './principal.ts';
export { Reply, replyIdOf } from './reply.ts';
export { requireDistributed } from './require-distributed.ts';
export { type Rounds, runRounds } from './rounds.ts';
export { type AttemptNote, classOf, type Resolution, RunOrder, type RunRecord } from './run.ts';
export { mayRunAgain, RunClass, runClasses } from './run-class.ts';
export { type MainContext, runMain } from './run-main.ts';
export { RunError, RunOutcome } from './run-outcome.ts';
export { isFinal, isLeased, isLegalRunMove, legalRunMoves, type RunState, runStates } from './run-state.ts';
export {
  type AlertRule,
  DeclaredSchedule,
  type DstPolicy,
  dstPolicies,
  type MisfirePolicy,
  misfirePolicies,
  type NoticeSpec,
  type OverlapPolicy,
  overlapPolicies,
  type ScheduledTask,
  type SchedulePause,
  type ScheduleRecord,
  ScheduleSpec,
  type ScheduleSpecInput,
  type Severity,
  severities,
} from './schedule.ts';
export { Secret } from './secret.ts';
export type { Service, ServiceHealth } from './service.ts';
export { formatSize, parseSize, sizePattern } from './size.ts';
export { type LocalTarget, Name, type SshTarget, Target } from './target.ts';
export { Priority, RunLimits, Task, type TaskRecord } from './task.ts';
export { TaskRequest, type TaskRequestInput } from './task-request.ts';
export { finalStatesBySeverity, type RunCounts, type TaskState, taskStateOf, taskStates } from './task-state.ts';
