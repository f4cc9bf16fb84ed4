import { hasCode, MoltError } from '@moltbot/shared';
import { orAborted, settledWithin } from '../ssh/time-limit.ts';
import type { ResidentOptions, ResidentShell, ShellChannel, ShellRun } from './contract.ts';
import { openExchange } from './exchange.ts';
import { runGuarded } from './guarded-run.ts';
import { runPlain } from './plain-run.ts';
import { guardProgram } from './program.ts';
import { checkGuard, forgetRequest, helloRequest, sweepRequest, takeBackRequest } from './requests.ts';
import type { RunDeps } from './run-deps.ts';
import { openWire, type Wire } from './wire.ts';

export type { KillTimes, ResidentOptions, ResidentShell, ShellChannel, ShellRun } from './contract.ts';
export { residentCommand } from './program.ts';

const helloMs = 5_000;
const sweepMs = 3_600_000;

/**
 * Gives the shell in the channel its program and waits for its answer.
 * @throws MOLT_NO_GUARD when it does not answer within 5 s, ends instead, or has no way to make process groups
 */
export async function openResident(channel: ShellChannel, options: ResidentOptions): Promise<ResidentShell> {
  const wire = openWire(channel);
  try {
    return createResident(wire, options, await greet(wire, options));
  } catch (error) {
    wire.close();
    throw error;
  }
}

const nobody = { target: { name: 'the target' }, onOutput: async () => {} };

/** @returns the nonce of what is run without a record, where the shell keeps a spare for it */
async function greet(wire: Wire, { directory, clock }: ResidentOptions): Promise<string | undefined> {
  const { resident } = await guardProgram();
  const answer = Promise.withResolvers<readonly string[]>();
  const exchange = openExchange(wire, nobody, answer.resolve);
  exchange.finished.catch(() => answer.resolve(['hello', 'ended']));
  wire.send(`${resident}${helloRequest(exchange.nonce, directory)}`);
  const [, how, spares] = (await settledWithin(clock, helloMs, answer.promise)) ?? [];
  exchange.stop();
  if (how === undefined) throw noShell(`no shell answered within ${helloMs} ms`, { isSilence: true });
  if (how === 'ended') throw noShell('the login shell ended instead of waiting for commands');
  if (how === 'none')
    throw noShell('it has no way to make a process group: install setsid, perl, python3, bash or ksh');
  return spares === 'spares' ? exchange.nonce : undefined;
}

const noShell = (reason: string, details = {}): MoltError => new MoltError('MOLT_NO_GUARD', reason, { details });

function createResident(wire: Wire, options: ResidentOptions, spareNonce: string | undefined): ResidentShell {
  const { clock, retentionMs } = options;
  let isBusy = false;
  let hasSpare = false;
  let isSpoiled = false;
  let lastSweep = -Infinity;
  const close = (): void => {
    isSpoiled = true;
    wire.close();
  };
  const sweepSometimes = (): void => {
    if (clock.monotonic() - lastSweep < sweepMs) return;
    lastSweep = clock.monotonic();
    wire.send(sweepRequest(retentionMs));
  };
  return {
    async exec(work: ShellRun) {
      if (isBusy) throw new MoltError('MOLT_INTERNAL', 'the shell runs a command already');
      if (!wire.isOpen()) throw new MoltError('MOLT_SSH_LOST', 'the shell ended before the command was sent');
      isBusy = true;
      const deps = { wire, work, options, spareNonce, spoil: () => (isSpoiled = true), close };
      try {
        if (!work.run.guard) {
          hasSpare = spareNonce !== undefined;
          return await runPlain(deps);
        }
        if (hasSpare) await takeBack(deps);
        hasSpare = false;
        const result = await runGuarded({ ...deps, guard: work.run.guard });
        if (!isSpoiled) sweepSometimes();
        return result;
      } catch (error) {
        // What is in the way may be gone for the next shell.
        if (hasCode(error, 'MOLT_NO_GUARD')) isSpoiled = true;
        throw error;
      } finally {
        wire.listen(undefined);
        isBusy = false;
      }
    },
    forget(guards) {
      for (const guard of guards) checkGuard(guard);
      if (guards.length > 0 && wire.isOpen()) wire.send(forgetRequest(guards));
    },
    isReusable: () => !isBusy && !isSpoiled && wire.isOpen(),
    close,
  };
}

/** Requests of records are for the shell itself. @throws MOLT_SSH_LOST, MOLT_SHUTTING_DOWN, the reason of the signal: nothing was sent */
async function takeBack({ wire, work: { run }, close }: RunDeps): Promise<void> {
  const exchange = openExchange(wire, nobody, () => {});
  const stops = [run.guard?.mode === 'start' ? run.signal : undefined, run.release].filter(
    (signal) => signal !== undefined,
  );
  wire.send(takeBackRequest(exchange.nonce));
  try {
    await orAborted(exchange.finished, AbortSignal.any(stops));
  } catch (error) {
    close();
    if (!run.release?.aborted) throw error;
    throw new MoltError('MOLT_SHUTTING_DOWN', 'the command was let go of before it was sent', { cause: error });
  } finally {
    exchange.stop();
  }
}
