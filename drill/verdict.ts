import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient, TaskView } from '@moltbot/testkit';
import type { Cancelled } from './cancels.ts';
import type { Accepted } from './load.ts';
import type { Delivered, Receiver } from './receiver.ts';

export interface Evidence {
  readonly accepted: readonly Accepted[];
  /** More of them, which were cancelled. */
  readonly cancelled: readonly Cancelled[];
  /** The numbers of those that began, as often as they began. */
  readonly begun: readonly string[];
  /** Pids of processes of them that are still there. */
  readonly processes: readonly number[];
  /** The lines of the file on the targets: the number of each command that ran, as often as it ran. */
  readonly lines: readonly string[];
  readonly receiver: Receiver;
  readonly states: ReadonlyMap<string, string>;
}

/** One promise, and whether it was kept. */
export interface Finding {
  readonly promise: string;
  readonly found: string;
  readonly kept: boolean;
}

const finalStates = ['succeeded', 'failed', 'timed-out', 'cancelled', 'unknown', 'undeliverable', 'expired'];

/** Waits until each accepted task has told its end: to the webhook, which outlives an emptied store. */
export async function untilAllEnded(
  accepted: readonly Pick<Accepted, 'taskId'>[],
  {
    api,
    receiver,
    withinMs,
    onWait,
  }: {
    readonly api: ApiClient;
    readonly receiver: Receiver;
    readonly withinMs: number;
    readonly onWait: (open: number) => void;
  },
): Promise<ReadonlyMap<string, string>> {
  const end = performance.now() + withinMs;
  const states = new Map<string, string>();
  for (;;) {
    for (const { taskId, state } of receiver.delivered().values()) states.set(taskId, state);
    const open = accepted.filter(({ taskId }) => !states.has(taskId));
    if (open.length === 0 || performance.now() > end) break;
    onWait(open.length);
    await delay(1_000);
  }
  // What told nothing may still be known to the API: then it is the callback that is missing, not the end.
  for (const { taskId } of accepted) if (!states.has(taskId)) states.set(taskId, await stateOf(api, taskId));
  return states;
}

async function stateOf(api: ApiClient, taskId: string): Promise<string> {
  const answer = await api.get<TaskView>(`/v1/tasks/${taskId}`).catch(() => undefined);
  return answer?.status === 200 ? `${answer.body.state} (no callback)` : `status ${answer?.status ?? 'none'}`;
}

/** Holds what happened against what was promised. */
export function judge(evidence: Evidence): readonly Finding[] {
  return [...judgeCommands(evidence), ...judgeCancels(evidence), ...judgeCallbacks(evidence)];
}

function judgeCommands({ accepted, lines, receiver, states }: Evidence): readonly Finding[] {
  const ran = countOf(lines);
  const twice = [...ran.values()].filter((times) => times > 1).length;
  const isFinal = (state: string): boolean => finalStates.includes(state);
  const lost = accepted.filter(({ taskId }) => !isFinal(states.get(taskId) ?? ''));
  const untrue = accepted.filter(({ n, taskId }) => {
    const state = states.get(taskId);
    return state === 'succeeded' ? ran.get(String(n)) !== 1 : state !== 'unknown' && ran.has(String(n));
  });
  const ids = new Set(accepted.map(({ taskId }) => taskId));
  const ends = [...receiver.delivered().values()].filter(({ taskId }) => ids.has(taskId));
  return [
    finding(
      'accepted commands have a final state',
      lost.length,
      `${accepted.length} accepted: ${tallyOf(accepted, states)}${reasons(ends)}`,
    ),
    finding('no command ran twice', twice, `${ran.size} ran, ${twice} twice`),
    finding(
      'what is said to have run ran, once, and what is said not to have run did not',
      untrue.length,
      listed(untrue),
    ),
  ];
}

/** One of which it is not known what it did may end `unknown`, and one that never began in other ways; none as if nobody had asked. */
function judgeCancels({ cancelled, begun, processes, states }: Evidence): readonly Finding[] {
  const starts = countOf(begun);
  const told = cancelled.filter(({ said }) => said !== 'ended');
  const ignored = told.filter(({ n, taskId }) => {
    const state = states.get(taskId) ?? '';
    return !['cancelled', 'unknown'].includes(state) && (starts.has(String(n)) || !finalStates.includes(state));
  });
  const waited = told.filter(({ said, hadBegun }) => said === 'cancelled' && !hadBegun);
  const revived = waited.filter(({ n }) => starts.has(String(n)));
  const twice = [...starts.values()].filter((times) => times > 1).length;
  return [
    finding(
      'what was cancelled ends cancelled, and nothing of it is left',
      ignored.length + processes.length + twice,
      `${told.length} cancelled: ${tallyOf(told, states)}; ${starts.size} had begun, ${twice} twice; ${processes.length} processes left`,
    ),
    finding(
      'what was said to be cancelled before it began never begins',
      revived.length,
      revived.length === 0 ? `${waited.length}, none began` : listed(revived),
    ),
  ];
}

function judgeCallbacks({ accepted, cancelled, receiver }: Evidence): readonly Finding[] {
  const delivered = receiver.delivered();
  const missing = [...accepted, ...cancelled].filter(({ taskId }) => !delivered.has(`${taskId}.ended`));
  const again = [...delivered.values()].filter(({ times }) => times > 1).length;
  return [
    finding(
      'every end was told to its callback',
      missing.length,
      `${delivered.size} delivered, ${missing.length} missing`,
    ),
    finding(
      'no end was told under two ids',
      delivered.size - new Set([...delivered.values()].map(({ taskId }) => taskId)).size,
      `${again} arrived more than once under their one id`,
    ),
    finding('every callback was signed', receiver.forged(), `${receiver.forged()} with a wrong signature`),
  ];
}

const finding = (promise: string, wrong: number, found: string): Finding => ({ promise, found, kept: wrong === 0 });

const tallyOf = (commands: readonly Pick<Accepted, 'taskId'>[], states: ReadonlyMap<string, string>): string =>
  [...countOf(commands.map(({ taskId }) => states.get(taskId) ?? 'untold'))]
    .map(([state, times]) => `${times} ${state}`)
    .join(', ') || 'none';

const listed = (commands: readonly Accepted[]): string =>
  commands.length === 0
    ? 'all true'
    : commands
        .slice(0, 10)
        .map(({ n, taskId }) => `${n} (${taskId})`)
        .join(', ');

/** Why those that did not succeed did not. */
function reasons(ends: readonly Delivered[]): string {
  const known = countOf(ends.flatMap(({ why }) => why ?? []));
  return [...known].map(([why, times]) => `; ${times} × ${why}`).join('');
}

function countOf(items: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
