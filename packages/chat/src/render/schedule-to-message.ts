import { localTime, type Planned } from '@moltbot/schedules';
import type { ScheduleRecord, ScheduleSpec } from '@moltbot/shared';
import type { ChatField, ChatMessage } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { cleanOutput } from './clean-output.ts';
import { clip, oneLine } from './clip.ts';
import { fitMessage } from './fit-message.ts';
import { codeCharacters } from './message-limits.ts';
import {
  type OccurrenceView,
  occurrenceOutcome,
  occurrenceReason,
  scheduleButtons,
  scheduleState,
  shortTime,
} from './schedule-words.ts';
import { commandOf } from './task-words.ts';
import { whenWords } from './when-words.ts';

export interface ScheduleView {
  readonly record: ScheduleRecord;
  readonly next: readonly Planned[];
  /** The newest first. */
  readonly occurrences: readonly OccurrenceView[];
  readonly language: Language;
  /** Epoch ms. */
  readonly now: number;
}

/** A schedule: what it runs and when, its next instants, and what became of the last ones. */
export function scheduleToMessage(view: ScheduleView): ChatMessage {
  const { record, occurrences, language } = view;
  const t = texts(language);
  const { schedules: s } = t;
  return fitMessage({
    tone: record.paused ? 'warning' : 'neutral',
    title: s.title(record.id),
    text: [
      ...(record.spec.description === undefined ? [] : [record.spec.description]),
      ...(occurrences.length === 0 ? [s.noHistory] : []),
    ],
    fields: fieldsOf(view, t),
    code: codeOf(record.spec),
    ...(occurrences.length > 0 && {
      table: { head: s.historyHead, rows: occurrences.map((each) => toRow(each, view, t)) },
    }),
    buttons: scheduleButtons(record, t),
  });
}

function fieldsOf({ record, next, now }: ScheduleView, t: Texts): readonly ChatField[] {
  const { spec, source, createdBy, failures } = record;
  const { schedules: s } = t;
  const when = whenWords(spec.when, t);
  const state = [scheduleState(record, t, now), ...(failures > 0 ? [s.failures(failures)] : [])];
  const instants = next.map((each) => instantOf(each, spec.timezone, t));
  return [
    { name: s.state, value: clip(t.facts(state), 250) },
    { name: s.runs, value: t.task.title(spec.task.action, oneLine(spec.task.on, 200)) },
    { name: s.when, value: clip(when === spec.when ? when : t.facts([when, spec.when]), 300) },
    { name: s.zone, value: spec.timezone },
    { name: s.next, value: instants.length === 0 ? s.noNext : instants.join('\n') },
    { name: s.policies, value: t.facts(policiesOf(spec)) },
    { name: s.madeBy, value: source === 'config' ? s.configuration : oneLine(createdBy, 128) },
    ...(hasWords(spec.owner) ? [{ name: s.owner, value: oneLine(spec.owner, 128) }] : []),
  ];
}

const hasWords = (text: string | undefined): text is string => text !== undefined && oneLine(text, 1) !== '';

/** In the zone and in UTC; with why it is not run. */
function instantOf({ at, skip }: Planned, timezone: string, t: Texts): string {
  const { schedules: s } = t;
  const local = localTime(at, timezone);
  const utc = localTime(at, 'UTC');
  const instant = local === utc ? utc : s.instant(local, utc);
  return skip ? t.facts([instant, s.notRun(occurrenceReason(skip, t) ?? skip.reason)]) : instant;
}

/** As they are written: the words are those of the configuration and the API. */
function policiesOf(spec: ScheduleSpec): readonly string[] {
  const { include, exclude } = spec.calendars;
  const written = [
    ['misfire', spec.misfire],
    ['misfireWindow', spec.misfireWindow],
    ['overlap', spec.overlap],
    ['dst', spec.dst],
    ['deadline', spec.deadline],
    ['jitter', spec.jitter],
    ['pauseAfter', spec.pauseAfter],
    ['calendars', [...include, ...exclude.map((name) => `!${name}`)].join(',') || undefined],
    ['start', spec.start],
    ['end', spec.end],
  ] as const;
  return written.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
}

/** Its command, or its arguments. */
function codeOf({ task }: ScheduleSpec): NonNullable<ChatMessage['code']> {
  const text = commandOf(task) ?? (Object.keys(task.args).length > 0 ? JSON.stringify(task.args, undefined, 2) : '');
  const shown = clip(cleanOutput(text, { ansi: false }), codeCharacters);
  return shown === '' ? [] : [{ text: shown }];
}

/** Of the id of a task: enough to name it. */
const idCharacters = 13;

const toRow = (occurrence: OccurrenceView, { record, now }: ScheduleView, t: Texts): readonly string[] => [
  shortTime(occurrence.at, record.spec.timezone, now),
  occurrenceOutcome(occurrence, t),
  occurrence.taskId?.slice(0, idCharacters) ?? occurrenceReason(occurrence, t) ?? '–',
];
