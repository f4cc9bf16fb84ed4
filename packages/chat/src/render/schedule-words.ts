import { localTime } from '@moltbot/schedules';
import { idFrom, type Occurrence, type ScheduleRecord, type TaskState } from '@moltbot/shared';
import type { ChatButton } from '../message.ts';
import { english, type Texts } from '../texts/english.ts';
import { oneLine } from './clip.ts';
import { coarseMs, whatRuns } from './task-words.ts';
import { whenWords } from './when-words.ts';

/** An occurrence, and how its task stands. */
export type OccurrenceView = Occurrence & { readonly taskState?: TaskState | undefined };

export interface ScheduleRow {
  readonly record: ScheduleRecord;
  /** The next instant that is run, epoch ms. */
  readonly next?: number | undefined;
  readonly last?: OccurrenceView | undefined;
}

/** Beside its id in a list to choose from. */
export function scheduleLabel({ id, spec, paused }: ScheduleRecord): string {
  const { schedules: t } = english;
  const state = paused ? [t.paused] : spec.enabled ? [] : [t.disabled];
  return english.facts([id, whenWords(spec.when, english), whatRuns(spec.task, 40), ...state]);
}

/** Whether it runs by itself, and why not. @param now epoch ms */
export function scheduleState({ spec, paused }: ScheduleRecord, t: Texts, now: number): string {
  if (paused) {
    const ms = Math.max(0, now - paused.at);
    const ago = t.duration(coarseMs(ms) ?? ms);
    return paused.why === 'failures' ? t.schedules.pausedItself(ago) : t.schedules.pausedBy(paused.by, ago);
  }
  return spec.enabled ? t.schedules.enabled : t.schedules.disabled;
}

/** Whether it runs by itself, and what became of it last: in a cell of a table. */
export function stateInShort({ record: { spec, paused }, last }: ScheduleRow, t: Texts): string {
  const { schedules: s } = t;
  const pause = paused && (paused.why === 'failures' ? s.pausedForFailures : s.paused);
  const ended = last && (last.taskState === undefined ? s.outcomes[last.state] : t.states[last.taskState]);
  return t.facts([pause ?? (spec.enabled ? s.on : s.off), ...(ended === undefined ? [] : [ended])]);
}

/** The same as `localTime`, in a cell of a table: without the year that it is, and without seconds where there are none. */
export function shortTime(at: number, timezone: string, now: number): string {
  const text = localTime(at, timezone).replace(/:00(?= )/, '');
  const year = localTime(now, timezone).slice(0, 5);
  return text.startsWith(year) ? text.slice(year.length) : text;
}

/** What became of it, in a few words. */
export function occurrenceOutcome({ state, kind, count = 1, taskState }: OccurrenceView, t: Texts): string {
  const { outcomes, manual, backfill, times } = t.schedules;
  const word = outcomes[state];
  const how = kind === 'manual' ? manual(word) : kind === 'backfill' ? backfill(word) : word;
  const facts = t.facts([how, ...(taskState === undefined ? [] : [t.states[taskState]])]);
  return count > 1 ? times(facts, count) : facts;
}

/** Why one was not fired. Undefined for one that was, or may be yet. */
export function occurrenceReason({ reason, note }: Pick<Occurrence, 'reason' | 'note'>, t: Texts): string | undefined {
  if (reason === undefined) return undefined;
  const text = t.schedules.reasons[reason];
  return note === undefined ? text : t.labelled(text, oneLine(note, 200));
}

const keyLength = 90;

/** The id of a schedule as it stands in the id of a button: itself, or a hash of it where it is too long. */
export const scheduleKey = (id: string): string => (id.length <= keyLength ? id : idFrom('button', id));

/** What can be done about a schedule. */
export const scheduleButtons = (
  { id, paused }: Pick<ScheduleRecord, 'id' | 'paused'>,
  t: Texts,
): readonly ChatButton[] => [
  { id: `fire:${scheduleKey(id)}`, label: t.buttons.runNow, style: 'primary' },
  paused
    ? { id: `resume:${scheduleKey(id)}`, label: t.buttons.resume, style: 'neutral' }
    : { id: `pause:${scheduleKey(id)}`, label: t.buttons.pause, style: 'neutral' },
];
