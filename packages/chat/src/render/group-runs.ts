import { isFinal, type RunRecord } from '@moltbot/shared';
import type { ChatTable } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import { rankOf } from './failures.ts';
import { messageLimits } from './message-limits.ts';
import { lastLineOf, type OutputView } from './output-view.ts';
import { withoutColours } from './tail-of.ts';

/** Runs that came to the same: state, exit code, error and output. */
export interface RunGroup {
  /** One of them, to speak for all. */
  readonly first: RunRecord;
  readonly targets: readonly string[];
  readonly output: OutputView;
}

/** What went wrong first; within a state the largest group first. Runs that have not ended are grouped by their state. */
export function groupRuns(runs: readonly RunRecord[], outputOf: (run: RunRecord) => OutputView): readonly RunGroup[] {
  const groups = new Map<string, { first: RunRecord; targets: string[]; output: OutputView }>();
  for (const run of runs) {
    const output = isFinal(run.state) ? outputOf(run) : nothing;
    const key = keyOf(run, output);
    const group = groups.get(key);
    if (group) group.targets.push(run.target);
    else groups.set(key, { first: run, targets: [run.target], output });
  }
  return [...groups.values()].toSorted(
    (a, b) => rankOf(a.first.state) - rankOf(b.first.state) || b.targets.length - a.targets.length,
  );
}

const nothing: OutputView = { code: [], isCut: false };

function keyOf(run: RunRecord, { code, isCut }: OutputView): string {
  const { state, exitCode, signal, error } = run;
  if (!isFinal(state)) return state;
  const output = code.map(({ label, text }) => [label, withoutColours(text)]);
  // Where not all of it is seen, its length tells more.
  const bytes = isCut ? [run.stdoutBytes, run.stderrBytes] : [];
  return JSON.stringify([state, exitCode, signal, error?.code, output, bytes]);
}

/** A row a group; when there are too many, the last row counts the rest. */
export function groupsToTable(groups: readonly RunGroup[], t: Texts): ChatTable {
  const { rows } = messageLimits;
  const shown = groups.length <= rows ? groups : groups.slice(0, rows - 1);
  const rest = groups.slice(shown.length);
  return {
    head: t.groups.head,
    rows: [
      ...shown.map((group) => [hostsOf(group, t), resultOf(group.first, t), wordsOf(group, t)]),
      ...(rest.length === 0 ? [] : [restOf(rest, t)]),
    ],
  };
}

/** `28 hosts: web-1, web-2, web-3, +25`; of one host its name. */
export function hostsOf({ targets }: Pick<RunGroup, 'targets'>, t: Texts): string {
  const [first = ''] = targets;
  if (targets.length === 1) return first;
  const names: string[] = [];
  for (const name of targets.slice(0, 3)) {
    if (names.length > 0 && names.join().length + name.length > 30) break;
    names.push(name);
  }
  return t.labelled(t.hosts(targets.length), t.names(names, targets.length - names.length));
}

export function resultOf({ state, exitCode, signal }: RunRecord, t: Texts): string {
  const word = t.states[state];
  if (state === 'succeeded' || !isFinal(state)) return word;
  if (exitCode !== undefined) return t.groups.result(word, exitCode);
  return signal === undefined ? word : t.facts([word, t.task.signal(signal)]);
}

/** In a few words: the error, else the data, else the last line of the output. */
function wordsOf({ first, output }: RunGroup, t: Texts): string {
  if (first.error) return t.errorOf(first.error.code).title;
  return hasOutput(first) ? lastLineOf(output.code) : dataInWords(first);
}

const hasOutput = ({ stdoutBytes, stderrBytes }: RunRecord): boolean => stdoutBytes + stderrBytes > 0;

function dataInWords({ data }: RunRecord): string {
  if (data === undefined) return '';
  return typeof data === 'string' ? data : JSON.stringify(data);
}

/** Whether the row of the group says all that there is to say of its output. */
export const isToldByRow = ({ first, output }: RunGroup): boolean =>
  !hasOutput(first) ||
  (!output.isCut &&
    !first.error &&
    output.code.length === 1 &&
    output.code.every(({ text }) => !text.includes('\n') && text.length <= messageLimits.cell));

function restOf(groups: readonly RunGroup[], t: Texts): readonly string[] {
  const counts = new Map<string, number>();
  for (const { first, targets } of groups) {
    const word = t.states[first.state];
    counts.set(word, (counts.get(word) ?? 0) + targets.length);
  }
  const hosts = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const words = [...counts].map(([word, count]) => t.stateCount(word, count));
  return [t.groups.rest(t.hosts(hosts)), t.facts(words), ''];
}
