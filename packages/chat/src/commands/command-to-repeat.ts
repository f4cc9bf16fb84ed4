import { formatDuration, type TaskRecord } from '@moltbot/shared';
import type { ChatIntake } from '../chat-context.ts';
import type { RunCommand } from '../grammar/command.ts';

/** No request may ask for more, ms; what the configuration gives may be more. */
const longestMs = 7 * 86_400_000;

/**
 * The command that asks for a task once more: with its limits, its class, its further attempts and its priority. Not with its callback:
 * whoever repeats it here is told here.
 * @param on the targets @throws MOLT_UNKNOWN_ACTION, MOLT_BAD_ARGUMENTS when its action has changed
 */
export function commandToRepeat(intake: Pick<ChatIntake, 'check'>, { task }: TaskRecord, on: string): RunCommand {
  const { action, limits, retries, priority } = task;
  const args = typeof task.args === 'object' && task.args !== null ? { ...task.args } : {};
  // Asked for by name, `guarded` would be refused where a target has no guard.
  const isUsual = intake.check({ action, args }) === task.class;
  return {
    ...{ verb: 'run', action, args, on, retries, priority },
    ...(!isUsual && { class: task.class }),
    ...inWords('timeout', limits.totalMs),
    ...inWords('idleTimeout', limits.idleMs),
    ...inWords('connectTimeout', limits.connectMs),
    ...inWords('queueTimeout', limits.queueMs),
    // From acceptance on: it begins anew.
    ...(limits.deadlineMs > 0 && inWords('deadline', limits.deadlineMs)),
  };
}

const inWords = <Name extends string>(name: Name, ms: number): { readonly [K in Name]?: string } =>
  (ms <= longestMs ? { [name]: formatDuration(ms) } : {}) as { readonly [K in Name]?: string };
