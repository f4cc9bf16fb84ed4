import type { RunRecord, TaskRecord } from '@moltbot/shared';
import type { ChatMessage } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { rankOf } from './failures.ts';
import { fitMessage } from './fit-message.ts';
import { messageLimits } from './message-limits.ts';
import { titleOf, toneOf, tookMs } from './task-words.ts';

const pagesAtMost = 5;

export interface DetailsView {
  readonly task: TaskRecord;
  readonly runs: readonly RunRecord[];
  readonly language: Language;
}

/** A row a run, what went wrong first: up to five messages, of which the last says how many runs there are more. */
export function detailsToMessages({ task, runs, language }: DetailsView): readonly ChatMessage[] {
  const t = texts(language);
  const sorted = runs.toSorted((a, b) => rankOf(a.state) - rankOf(b.state) || a.index - b.index);
  const pages = pagesOf(sorted, messageLimits.rows).slice(0, pagesAtMost);
  const more = Math.max(0, task.task.runs - pages.flat().length);
  const title = t.details.title(titleOf(task.task, t));
  const common = { tone: toneOf(task), title, footer: t.task.footer(task.task.id) };
  if (pages.length === 0) return [fitMessage({ ...common, text: [t.details.none] })];
  return pages.map((page, at) =>
    fitMessage({
      ...common,
      text: [
        ...(pages.length > 1 ? [t.details.page(at + 1, pages.length)] : []),
        ...(more > 0 && at === pages.length - 1 ? [t.details.more(more)] : []),
      ],
      table: { head: t.details.head, rows: page.map((run) => runToRow(run, t)) },
    }),
  );
}

function runToRow(run: RunRecord, t: Texts): readonly string[] {
  const { target, state, exitCode, signal, attempts } = run;
  const ms = tookMs(run);
  const word = t.states[state];
  return [
    target,
    attempts > 1 ? t.facts([word, t.task.attempt(attempts)]) : word,
    t.details.exit(exitCode, signal),
    ms === undefined ? '–' : t.duration(ms),
  ];
}

const pagesOf = <T>(list: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
