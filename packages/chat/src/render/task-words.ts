import { isFinal, type RunRecord, type Task, type TaskRecord, type TaskState } from '@moltbot/shared';
import type { Tone } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import { oneLine } from './clip.ts';

/** What is asked for: an action with its arguments. */
export type Asked = Pick<Task, 'action' | 'args' | 'on'>;

/** The command or script of an action that has one. */
export function commandOf({ args }: Pick<Asked, 'args'>): string | undefined {
  if (typeof args !== 'object' || args === null) return undefined;
  const { command, script } = args as { readonly command?: unknown; readonly script?: unknown };
  if (typeof command === 'string') return command;
  return typeof script === 'string' ? script : undefined;
}

/** In one line: the first line of the command, or the name of the action. */
export function whatRuns(asked: Asked, length = 120): string {
  const [first, ...more] = (commandOf(asked) ?? '').trim().split('\n');
  const line = oneLine(first ?? '', length);
  if (line === '') return oneLine(asked.action, length);
  return more.length > 0 ? oneLine(`${line} …`, length) : line;
}

export const titleOf = (asked: Asked, t: Texts): string => t.task.title(whatRuns(asked), oneLine(asked.on, 70));

/** The colour of a task. */
export function toneOf({ state, cancelRequested }: Pick<TaskRecord, 'state' | 'cancelRequested'>): Tone {
  if (!isFinal(state)) return cancelRequested || state === 'held' ? 'warning' : 'working';
  return finalTones[state as keyof typeof finalTones];
}

const finalTones = {
  succeeded: 'success',
  failed: 'failure',
  'timed-out': 'failure',
  undeliverable: 'failure',
  expired: 'failure',
  unknown: 'warning',
  cancelled: 'neutral',
} as const satisfies Partial<Record<TaskState, Tone>>;

/** How long a run took, ms; undefined while it runs, and when it never did. */
export const tookMs = ({ startedAt, finishedAt }: RunRecord): number | undefined =>
  startedAt === undefined || finishedAt === undefined ? undefined : Math.max(0, finishedAt - startedAt);

/**
 * How long something goes on, in steps that a message is worth editing for: ten seconds, later a minute. Undefined before the first.
 */
export function coarseMs(sinceMs: number): number | undefined {
  const step = sinceMs < 600_000 ? 10_000 : 60_000;
  return sinceMs < step ? undefined : Math.floor(sinceMs / step) * step;
}
