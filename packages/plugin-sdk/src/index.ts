export type { JsonValue } from '@moltbot/shared';
export {
  type ActionContext,
  type ActionDefinition,
  type ActionResult,
  type AnyAction,
  type Captured,
  type CaptureSpec,
  defineAction,
  type ExecResult,
  type ExecSpec,
  type OutputStream,
} from './action.ts';
export {
  type AnyNotifier,
  defineNotifier,
  type NotificationBatch,
  type NotificationItem,
  type Notifier,
  type NotifierChannel,
  type SendContext,
  sendFailed,
  sendRefused,
} from './notifier.ts';
export { BasePlugin, isPluginEntry, type PluginClass, type PluginMetadata, pluginEntry } from './plugin.ts';
export type { GuardOrder, Transport, TransportResult, TransportRun } from './transport.ts';
