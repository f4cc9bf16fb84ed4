import type { GuardOrder, TransportResult } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';
import { settledWithin } from '../ssh/time-limit.ts';
import { openExchange } from './exchange.ts';
import { guardProgram } from './program.ts';
import {
  attachRequest,
  checkGuard,
  commandWords,
  endRunProgram,
  followRequest,
  type GuardWords,
  killSteps,
  startRequest,
} from './requests.ts';
import { askAside, endsByItself, killedEnd, lastOutputMs, type RunDeps } from './run-deps.ts';

export interface GuardedDeps extends RunDeps {
  readonly guard: GuardOrder;
}

/** A command that has not ended by then is followed, ms. */
const followMs = 250;

/**
 * Runs a command under its record, or attaches to it. Output that cannot be handed over ends the following, not the command:
 * it can be attached to again. On a release the shell is closed, and the command goes on.
 */
export async function runGuarded(deps: GuardedDeps): Promise<TransportResult> {
  const { guard, work, wire } = deps;
  const { run } = work;
  checkGuard(guard);
  const words = commandWords(run.spec);
  const cancels = run.signal.aborted && guard.mode !== 'start';
  if (!cancels) run.signal.throwIfAborted();
  await run.onStart();
  if (run.signal.aborted && guard.mode === 'start') return { killed: 'verified' };
  const attached = Promise.withResolvers<void>();
  let lastEnd: string | undefined;
  const steps = killSteps(work.kill);
  if (run.signal.aborted) lastEnd = await endRun(deps);
  const exchange = openExchange(wire, run, ([kind, stdout, stderr, more]) => {
    if (kind !== 'at') return;
    guard.onAttached({ stdout: Number(stdout), stderr: Number(stderr) }, more === 'forgotten');
    attached.resolve();
  });
  let isOver = false;
  exchange.finished.then(
    () => (isOver = true),
    () => {},
  );
  const request: GuardWords = { nonce: exchange.nonce, guard, steps };
  const starts = guard.mode !== 'attach' && !run.signal.aborted;
  const scope = run.target.guard === 'systemd' ? `molt-${guard.id}-${guard.attempt}.scope` : '-';
  wire.send(starts ? startRequest(request, words, scope) : attachRequest(request));
  const stopFollowing = starts ? followLater(deps, request, [attached.promise, exchange.finished]) : () => {};
  const letGo = (): void => deps.close();
  if (run.release?.aborted) letGo();
  run.release?.addEventListener('abort', letGo, { once: true });
  try {
    if (lastEnd === undefined && (await endsByItself(exchange.finished, run.signal))) {
      return resultOf(await exchange.finished, deps);
    }
    lastEnd ??= await endRun(deps);
    const end = await settledWithin(deps.options.clock, lastOutputMs, exchange.finished).catch(() => undefined);
    if (end === undefined && lastEnd === outOfReach) throw notThrough(run.target.name);
    return resultOf(end ?? endWords(lastEnd), deps);
  } catch (error) {
    if (run.release?.aborted) throw new MoltError('MOLT_SHUTTING_DOWN', 'the command was let go of', { cause: error });
    throw error;
  } finally {
    stopFollowing();
    run.release?.removeEventListener('abort', letGo);
    exchange.stop();
    // Somebody in there may still speak.
    if (!isOver) deps.close();
  }
}

/** Asks for a follower unless the end or the first output is there before. */
function followLater({ wire, options }: RunDeps, words: GuardWords, until: readonly Promise<unknown>[]): () => void {
  const waiting = new AbortController();
  const stop = (): void => waiting.abort();
  for (const event of until) event.then(stop, stop);
  options.clock.sleep(followMs, waiting.signal).then(
    () => wire.send(followRequest(words)),
    () => {},
  );
  return stop;
}

/** What is known when the target did not answer in time. */
const outOfReach = 'unknown - - -';

/** The record will tell: nobody may believe that it was ended, or that it cannot be any more. */
const notThrough = (target: string): MoltError =>
  new MoltError('MOLT_SSH_LOST', `the order to end the command did not get through to ${target}`);

/** The reasons of an abort that are no cancel. Whoever looks after us has nothing but the record to tell them apart. */
const timeOuts: ReadonlySet<unknown> = new Set(['timed-out', 'deadline', 'idle']);

/** Ends the run wherever it is, or seals it; what the record says then. */
async function endRun(deps: GuardedDeps): Promise<string> {
  const { record } = await guardProgram();
  const steps = killSteps(deps.work.kill);
  const why = timeOuts.has(deps.work.run.signal.reason) ? 'timeout' : 'cancel';
  const program = endRunProgram(record, deps.options.directory, { guard: deps.guard, steps, why });
  return (await askAside(deps, program)) ?? outOfReach;
}

/** The words of an end, from what a program past the shell found. */
function endWords(found: string): readonly string[] {
  const [state, by, code, killed] = found.split(' ');
  if (state === 'cancelled' || state === 'absent' || state === 'lost') return ['refuse', state];
  if (state === 'ended') return ['end', by ?? '-', code ?? '-', killed ?? '-'];
  return ['end', 'cancel', '-', 'unverified'];
}

function resultOf(words: readonly string[], { guard, work }: GuardedDeps): TransportResult {
  const { run } = work;
  const [kind, by, code, killed] = words;
  if (kind === 'refuse') throw refusal(words, guard, run.target.name);
  if (by === 'nodir') {
    throw new MoltError(
      'MOLT_ACTION_FAILED',
      `the directory "${run.spec.cwd}" cannot be entered on ${run.target.name}`,
    );
  }
  if (by === 'self') return { exitCode: Number(code) };
  const status = code === '-' ? undefined : Number(code);
  return {
    ...killedEnd(status),
    killed: killed === 'verified' ? 'verified' : 'unverified',
    endedBy: by === 'timeout' ? 'timeout' : 'cancel',
  };
}

function refusal([, kind, ...rest]: readonly string[], { id, attempt }: GuardOrder, target: string): MoltError {
  const name = `${id} attempt ${attempt}`;
  if (kind === 'noguard')
    return new MoltError('MOLT_NO_GUARD', `no record can be kept on ${target}: ${rest.join(' ')}`);
  if (kind === 'absent') return new MoltError('MOLT_NOT_FOUND', `${target} knows nothing of ${name}`);
  if (kind === 'cancelled') return new MoltError('MOLT_RUN_CANCELLED', `${name} was cancelled before it started`);
  const other = Number(rest[0]);
  if (Number.isNaN(other))
    return new MoltError('MOLT_RUN_LOST', `${name} started on ${target}, and its end cannot be learned`);
  return new MoltError(
    'MOLT_RUN_LOST',
    `attempt ${other} of ${id} stands in the way of attempt ${attempt} on ${target}`,
    {
      details: { attempt: other },
    },
  );
}
