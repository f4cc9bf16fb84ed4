import {
  formatDuration,
  MoltError,
  parseDuration,
  type RunClass,
  type RunLimits,
  type TaskRequest,
} from '@moltbot/shared';

/** What a task gets that does not ask for its own, and how long targets remember commands; ms. */
export interface LimitDefaults {
  readonly limits: Omit<RunLimits, 'deadlineMs'>;
  readonly guardRetentionMs: number;
}

/** The limits of a request in ms. @throws MOLT_BAD_DURATION */
export function runLimitsOf(request: TaskRequest, runClass: RunClass, defaults: LimitDefaults): RunLimits {
  const { connectTimeout, idleTimeout, timeout, queueTimeout, deadline } = request;
  const { limits } = defaults;
  const queueMs = queueTimeout ? limitOf('queueTimeout', queueTimeout, 0) : limits.queueMs;
  return {
    ...limits,
    connectMs: connectTimeout ? limitOf('connectTimeout', connectTimeout, 1) : limits.connectMs,
    idleMs: idleTimeout ? limitOf('idleTimeout', idleTimeout, 0) : limits.idleMs,
    totalMs: timeout ? limitOf('timeout', timeout, 1) : limits.totalMs,
    deadlineMs: deadline ? limitOf('deadline', deadline, 1) : 0,
    queueMs: runClass === 'guarded' ? withinMemory(queueMs, defaults.guardRetentionMs) : queueMs,
  };
}

/** A guarded run that starts after its target has forgotten it could be one that ran before. */
function withinMemory(queueMs: number, retentionMs: number): number {
  if (queueMs === 0) return retentionMs;
  if (queueMs <= retentionMs) return queueMs;
  throw badDuration(
    'queueTimeout',
    `must be ${formatDuration(retentionMs)} (guard.retention) at most for guarded runs`,
  );
}

/** Timers of Node hold at most 2^31 - 1 ms; a longer one would fire at once. */
const longestMs = 7 * 86_400_000;

function limitOf(name: string, text: string, leastMs: number): number {
  const ms = parseDuration(text);
  if (ms < leastMs) throw badDuration(name, 'must be longer than nothing');
  if (ms > longestMs) throw badDuration(name, 'must be 7d at most');
  return ms;
}

const badDuration = (name: string, message: string): MoltError =>
  new MoltError('MOLT_BAD_DURATION', `${name} ${message}`, { places: [{ path: `/${name}`, message }] });
