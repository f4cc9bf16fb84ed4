import { isFinal, type RunRecord } from '@moltbot/shared';
import type { Texts } from '../texts/english.ts';
import { errorLines } from './error-lines.ts';
import { viewOutput } from './output-view.ts';
import type { RunsView, TaskView } from './task-view.ts';
import { coarseMs, tookMs } from './task-words.ts';

/** The one run of a task: how it stands, why, and the end of what it printed. */
export function oneRunView({ task, runs, tails, limits, now }: TaskView, t: Texts): RunsView {
  const [run] = runs;
  if (!run) return { text: [t.states[task.state]], isCut: false };
  const { code, isCut } = viewOutput(run, tails.get(run.id), {
    ...{ characters: limits.tailCharacters, ansi: limits.hasAnsi, t },
  });
  const isOver = isFinal(run.state) && run.state !== 'unknown' && run.startedAt !== undefined;
  const isSilent = isOver && code.length === 0 && !isCut;
  const name = run.target === task.task.on ? [] : [run.target];
  const facts = [...name, ...stateFacts(run, { isCancelling: task.cancelRequested, now, t })];
  return {
    text: [t.facts(facts), ...explained(run, t), ...(isSilent ? [t.task.noOutput] : [])],
    code,
    isCut,
  };
}

function stateFacts(
  run: RunRecord,
  { isCancelling, now, t }: { readonly isCancelling: boolean; readonly now: number; readonly t: Texts },
): readonly string[] {
  const { state, exitCode, signal, attempts } = run;
  const word = t.states[state];
  if (!isFinal(state)) {
    const ms = state === 'running' && run.startedAt !== undefined ? coarseMs(now - run.startedAt) : undefined;
    return [
      ...(isCancelling ? [t.task.cancelling] : []),
      ms === undefined ? word : t.task.since(word, t.duration(ms)),
      ...(run.retryAt !== undefined ? [t.task.retries(attempts + 1)] : attempts > 1 ? [t.task.attempt(attempts)] : []),
    ];
  }
  const ms = tookMs(run);
  return [
    word,
    ...(exitCode === undefined ? [] : [t.task.exitCode(exitCode)]),
    ...(signal === undefined ? [] : [t.task.signal(signal)]),
    ...(ms === undefined ? [] : [t.duration(ms)]),
    ...(attempts > 1 ? [t.task.attempt(attempts)] : []),
  ];
}

/** Why it is as it is, and what to do about it. */
function explained(run: RunRecord, t: Texts): readonly string[] {
  const { state, error, truncated, resolution } = run;
  const [why, remedy] = error ? errorLines(error, t) : [];
  // These two have their own.
  const hasRemedy = remedy !== undefined && state !== 'unknown' && state !== 'cancelled';
  return [
    ...(state === 'held' ? [t.task.held] : []),
    ...(why === undefined ? [] : [why]),
    ...(hasRemedy ? [remedy] : []),
    ...(state === 'unknown' && !error ? [t.task.isUnknown] : []),
    ...(state === 'unknown' && !resolution ? [t.task.resolve(run.id)] : []),
    ...(resolution ? [t.task.resolved(resolution.as, resolution.by), resolution.note ?? ''] : []),
    ...(truncated ? [t.task.dropped] : []),
  ];
}
