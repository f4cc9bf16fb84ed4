import { MoltError } from '@moltbot/shared';
import { settledWithin } from '../ssh/time-limit.ts';
import type { ResidentOptions, ResidentShell, ShellChannel, ShellRun } from './contract.ts';
import { openExchange } from './exchange.ts';
import { runGuarded } from './guarded-run.ts';
import { runPlain } from './plain-run.ts';
import { guardProgram } from './program.ts';
import { checkGuard, forgetRequest, helloRequest, sweepRequest } from './requests.ts';
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
    await greet(wire, options);
  } catch (error) {
    wire.close();
    throw error;
  }
  return createResident(wire, options);
}

async function greet(wire: Wire, { directory, clock }: ResidentOptions): Promise<void> {
  const { resident } = await guardProgram();
  const answer = Promise.withResolvers<string | undefined>();
  const nobody = { target: { name: 'the target' }, onOutput: async () => {} };
  const exchange = openExchange(wire, nobody, ([kind, how]) => answer.resolve(kind === 'hello' ? how : undefined));
  exchange.finished.catch(() => answer.resolve('ended'));
  wire.send(`${resident}${helloRequest(exchange.nonce, directory)}`);
  const how = await settledWithin(clock, helloMs, answer.promise);
  exchange.stop();
  if (how === undefined) throw noShell(`no shell answered within ${helloMs} ms`, { isSilence: true });
  if (how === 'ended') throw noShell('the login shell ended instead of waiting for commands');
  if (how === 'none')
    throw noShell('it has no way to make a process group: install setsid, perl, python3, bash or ksh');
}

const noShell = (reason: string, details = {}): MoltError => new MoltError('MOLT_NO_GUARD', reason, { details });

function createResident(wire: Wire, options: ResidentOptions): ResidentShell {
  const { clock, retentionMs } = options;
  let isBusy = false;
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
      const deps = { wire, work, options, spoil: () => (isSpoiled = true), close };
      try {
        if (!work.run.guard) return await runPlain(deps);
        const result = await runGuarded({ ...deps, guard: work.run.guard });
        if (!isSpoiled) sweepSometimes();
        return result;
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
