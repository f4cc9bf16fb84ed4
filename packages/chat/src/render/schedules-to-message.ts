import type { ChatMessage } from '../message.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { oneLine } from './clip.ts';
import { fitMessage } from './fit-message.ts';
import { messageLimits } from './message-limits.ts';
import { type ScheduleRow, shortTime, stateInShort } from './schedule-words.ts';
import { whenWords } from './when-words.ts';

export interface SchedulesView {
  /** The first of them. */
  readonly rows: readonly ScheduleRow[];
  readonly count: number;
  readonly words?: string | undefined;
  /** Only so many were looked at. */
  readonly cutAt?: number | undefined;
  readonly language: Language;
  /** Epoch ms. */
  readonly now: number;
}

/** A row of each schedule: its id, when it runs, when next, and its state with what became of it last. */
export function schedulesToMessage({ rows, count, words, cutAt, language, now }: SchedulesView): ChatMessage {
  const t = texts(language);
  const { schedules: s } = t;
  const shown = rows.slice(0, messageLimits.rows);
  const toRow = (row: ScheduleRow): readonly string[] => [
    row.record.id,
    whenWords(row.record.spec.when, t),
    row.next === undefined ? '–' : shortTime(row.next, row.record.spec.timezone, now),
    stateInShort(row, t),
  ];
  return fitMessage({
    tone: 'neutral',
    title: words === undefined ? s.count(count) : s.countFor(count, oneLine(words, 120)),
    text: [
      ...(count === 0 ? [t.lists.none] : [s.narrow]),
      ...(count > shown.length ? [t.lists.more(count - shown.length)] : []),
      ...(cutAt === undefined ? [] : [s.cutOff(cutAt)]),
    ],
    ...(shown.length > 0 && { table: { head: s.head, rows: shown.map(toRow) } }),
  });
}
