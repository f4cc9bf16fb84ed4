import { isFinal, type RunRecord } from '@moltbot/shared';
import type { ChatCode } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import { errorLines } from './error-lines.ts';
import { hasFailed } from './failures.ts';
import { groupRuns, groupsToTable, hostsOf, isToldByRow, type RunGroup, resultOf } from './group-runs.ts';
import { viewOutput } from './output-view.ts';
import { countDone, countsInWords, progressBar } from './progress.ts';
import type { RunsView, TaskView } from './task-view.ts';

/** The runs of a task with several: how far it is, what came of them in groups, and the output of the group that matters most. */
export function manyRunsView({ task, runs, tails, limits }: TaskView, t: Texts): RunsView {
  const view = { characters: limits.tailCharacters, ansi: limits.hasAnsi, t };
  const groups = groupRuns(runs, (run) => viewOutput(run, tails.get(run.id), view));
  const told = groups.find(({ first }) => hasFailed(first)) ?? groups.find((group) => !isToldByRow(group));
  const total = task.task.runs;
  const missing = runs.length === 0 ? 0 : Math.max(0, total - runs.length);
  const isCancelling = task.cancelRequested && !isFinal(task.state);
  return {
    text: [
      progressBar(countDone(task.counts), total),
      t.facts([...(isCancelling ? [t.task.cancelling] : []), countsInWords(task.counts, t)]),
      ...(task.state === 'held' ? [t.task.held] : []),
      ...unknownIn(runs, t),
      ...(told?.first.error ? [t.labelled(hostsOf(told, t), errorLines(told.first.error, t).join(' '))] : []),
      ...(missing > 0 ? [t.groups.notListed(missing)] : []),
    ],
    ...(groups.length > 0 && { table: groupsToTable(groups, t) }),
    code: told ? codeOf(told, t) : [],
    isCut: missing > 0 || groups.some((group) => (group === told ? group.output.isCut : !isToldByRow(group))),
  };
}

function unknownIn(runs: readonly RunRecord[], t: Texts): readonly string[] {
  const unknown = runs.find(({ state, resolution }) => state === 'unknown' && !resolution);
  return unknown ? [t.task.isUnknown, t.task.resolve(unknown.id)] : [];
}

function codeOf(group: RunGroup, t: Texts): readonly ChatCode[] {
  const name = t.groups.output(hostsOf(group, t), resultOf(group.first, t));
  const [first, ...rest] = group.output.code;
  if (!first) return [];
  return [{ label: first.label === undefined ? name : t.facts([name, first.label]), text: first.text }, ...rest];
}
