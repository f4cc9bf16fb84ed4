import type { TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { backoffMs, hasCode, MoltError, type SshTarget } from '@moltbot/shared';
import { commandScript } from './command-script.ts';
import { type CommandDeps, runDirect } from './direct-command.ts';
import { NotSentError } from './engine.ts';
import { NoShellError } from './no-shell-error.ts';
import type { PooledShell } from './resident-pool.ts';
import { runAside } from './run-aside.ts';
import type { Place } from './shared-connection.ts';
import { withTimeLimit } from './time-limit.ts';

/** Runs one command from the wait for a place to its end. The contract is that of `createSshTransport`. */
export async function runCommand(deps: CommandDeps): Promise<TransportResult> {
  const { link, run, target, clock } = deps;
  const start = startOnce(run);
  const until = clock.monotonic() + run.connectMs;
  const wanted = whileWanted(run);
  try {
    for (let tries = 1; ; tries++) {
      const wait = { connectMs: until - clock.monotonic(), signal: wanted.signal, front: tries > 1 };
      const outcome = await runOn(await link.acquire(wait), { ...deps, ...wait, start });
      if (!(outcome instanceof NotSentError)) return outcome;
      if (until - clock.monotonic() <= 0) throw noSession(target, run.connectMs, outcome);
      if (tries > 1) await clock.sleep(backoffMs(tries - 1, { baseMs: 20, maxMs: 1_000 }), wanted.signal);
    }
  } catch (error) {
    // Recorded as started, and never sent.
    if (start.isDone() && error === wanted.signal.reason) return { killed: 'verified' };
    throw error;
  } finally {
    wanted.end();
  }
}

interface Attempt extends CommandDeps {
  readonly start: Start;
  /** Left of the time until the command may be sent, ms. */
  readonly connectMs: number;
  /** Abort: the command is not to be sent any more. */
  readonly signal: AbortSignal;
}

/** @returns a NotSentError when it may be tried on another place */
async function runOn(place: Place, attempt: Attempt): Promise<TransportResult | NotSentError> {
  try {
    const pooled = await shellOn(place, attempt);
    if (pooled) return await runInShell(pooled, place, attempt);
    const script = commandScript(attempt.run.spec);
    await attempt.start.begin();
    return await runDirect({ ...attempt, place, script });
  } catch (error) {
    if (error instanceof NotSentError) return error;
    throw error;
  } finally {
    place.release();
  }
}

/** The shell for the command; undefined where the host runs none of ours, and the command can do without. */
async function shellOn(place: Place, attempt: Attempt): Promise<PooledShell | undefined> {
  const { run, link, target, connectMs, signal, clock } = attempt;
  const needsShell = run.guard !== undefined || run.needsShell === true;
  if (!needsShell && (usesNoShell(target) || isLong(run.spec.stdin))) return undefined;
  const waiting = place.takeShell();
  if (waiting) return waiting;
  const reason = (): Error =>
    new MoltError('MOLT_SSH_TIMEOUT', `${target.host}:${target.port} started no shell within ${run.connectMs} ms`);
  try {
    return await withTimeLimit({ ms: connectMs, reason, outer: signal, clock }, (bounded) =>
      link.openShell(place, bounded, needsShell),
    );
  } catch (error) {
    if (!(error instanceof NoShellError)) throw error;
    if (needsShell) throw noGuard(error, attempt);
    return undefined;
  }
}

/** A shell would take its time over it, as it passes input on in words: about 3 µs for a byte. */
const isLong = (stdin: string | undefined): boolean => stdin !== undefined && stdin.length > 16 * 1024;

/** Whoever keeps no record on a host may have his reasons: a forced command would be run just to look. */
export const usesNoShell = (target: SshTarget): boolean => target.guard === 'off';

function noGuard(cause: NoShellError, { run, target, start }: Attempt): MoltError {
  const message = `${target.name} runs no shell of ours: ${cause.message}`;
  // What was sent before may be running, so it is looked for again.
  const wasSent = (run.guard !== undefined && run.guard.mode !== 'start') || start.isDone();
  const code = cause.isSilence ? 'MOLT_SSH_TIMEOUT' : 'MOLT_NO_GUARD';
  return new MoltError(wasSent ? 'MOLT_SSH_LOST' : code, message, { cause });
}

async function runInShell({ shell, channel }: PooledShell, place: Place, attempt: Attempt): Promise<TransportResult> {
  const { run, kill, link, start, target } = attempt;
  const onStart = async (): Promise<void> => {
    await start.begin();
    if (!channel.isOpen()) throw new NotSentError(false, new Error('the shell has ended'));
  };
  const aside = (program: string, signal: AbortSignal): Promise<string> =>
    // The login shell may be none that could take the program.
    runAside({ command: 'exec /bin/sh', stdin: `{ ${program}\n} </dev/null\nexit\n` }, { place, link }, signal);
  try {
    return await shell.exec({ run: { ...run, onStart }, kill, aside });
  } catch (error) {
    if (!hasCode(error, 'MOLT_SSH_LOST')) throw error;
    if (!start.isDone()) return Promise.reject(new NotSentError(false, error as Error));
    const message = `the connection to ${target.host}:${target.port} broke while the command ran`;
    throw new MoltError('MOLT_SSH_LOST', message, { cause: error });
  }
}

/** The start of a command, which is recorded once, on however many places it is tried. */
interface Start {
  begin(): Promise<void>;
  isDone(): boolean;
}

function startOnce(run: TransportRun): Start {
  let done = false;
  return {
    isDone: () => done,
    async begin() {
      if (done) return;
      if (run.release?.aborted) throw letGoOf(run);
      await run.onStart();
      done = true;
    },
  };
}

/**
 * Until the command is sent it can be given up, on an abort or when it is let go.
 * An order to resume or to attach is not given up on an abort: that has to reach what may run already.
 */
function whileWanted(run: TransportRun): { readonly signal: AbortSignal; readonly end: () => void } {
  const own = new AbortController();
  const { release } = run;
  const signal = run.guard === undefined || run.guard.mode === 'start' ? run.signal : undefined;
  const onAbort = (): void => own.abort(signal?.reason);
  const onRelease = (): void => own.abort(letGoOf(run));
  if (signal?.aborted) onAbort();
  if (release?.aborted) onRelease();
  signal?.addEventListener('abort', onAbort);
  release?.addEventListener('abort', onRelease);
  return {
    signal: own.signal,
    end() {
      signal?.removeEventListener('abort', onAbort);
      release?.removeEventListener('abort', onRelease);
    },
  };
}

const letGoOf = ({ target }: TransportRun): MoltError =>
  new MoltError('MOLT_SHUTTING_DOWN', `the command for ${target.name} was let go before it was sent`);

const noSession = ({ host, port }: SshTarget, connectMs: number, cause: Error): MoltError =>
  new MoltError('MOLT_SSH_BUSY', `${host}:${port} refused a session for ${connectMs} ms`, { cause });
