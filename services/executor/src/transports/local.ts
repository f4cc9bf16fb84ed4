import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import type { Transport, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { asMoltError, type Clock, type GuardConfig, type Logger, MoltError, systemClock } from '@moltbot/shared';
import { createInFlight } from './in-flight.ts';
import { type Environment, runProgram } from './local-shell.ts';
import { createLocalShells, type LocalShells } from './local-shells.ts';
import { createForgetQueue } from './ssh/forget-queue.ts';

export interface LocalTransportDeps {
  readonly log: Logger;
  /**
   * The environment commands start with. Default: what sshd would give (HOME, USER, LOGNAME, SHELL, PATH), and nothing of
   * this process's own environment, which may hold secrets.
   */
  readonly env?: Environment;
  /** Between TERM and KILL, ms. Default 2000. */
  readonly killGraceMs?: number;
  /** Until it must be known whether a process group is gone, ms. Default 10000. */
  readonly killVerdictMs?: number;
  /** Where records of guarded commands are kept. Default: `~/.moltbot`, for 7 days. */
  readonly guard?: GuardConfig;
  readonly clock?: Clock;
}

const keptMs = 7 * 24 * 3_600_000;

/**
 * Runs commands on this host with the login shell of the user (`/bin/sh` when that is no POSIX shell), each in a process group of
 * its own, in the directory of this process unless the command names another.
 *
 * `exec` resolves with the status of the shell when the command has exited; children it left behind are not waited for. A status of
 * 128 + n stays an exit code, unless the command was ended from here: then the signal is told. An abort ends the whole group: TERM,
 * KILL after the grace. Guarded commands go on when this process dies.
 * @throws MOLT_ACTION_FAILED when the command cannot be started; MOLT_BAD_ARGUMENTS when no shell could take it;
 * MOLT_SHUTTING_DOWN when the transport does not take commands; the reason of `signal` when it aborts before the start
 */
export function createLocalTransport(deps: LocalTransportDeps): Transport {
  const { log, clock = systemClock, env = sshdEnvironment(), killGraceMs: graceMs = 2_000 } = deps;
  const guard = deps.guard ?? { directory: '~/.moltbot', retentionMs: keptMs };
  const kill = { graceMs, verdictMs: deps.killVerdictMs ?? 10_000 };
  const inFlight = createInFlight('the local transport', log);
  const shells = createLocalShells({ env, clock, options: { ...guard, clock, log } });
  const forgetQueue = createForgetQueue(clock, shells.idle);
  const aside = (program: string, signal: AbortSignal): Promise<string> => runProgram(program, env, signal);
  return {
    name: 'local-transport',
    transport: 'local',
    start: async () => inFlight.open(),
    quiesce: (force) => inFlight.quiesce(force),
    async stop() {
      inFlight.abort();
      await inFlight.settled();
      forgetQueue.close();
      shells.close();
    },
    health: () => inFlight.health(),
    isReady: () => true,
    forget: (_target, { id, attempt }) => forgetQueue.add({ id, attempt }),
    exec: (run) =>
      inFlight.track(run, async (signal) => {
        try {
          return await execute({ ...run, signal }, shells, { kill, aside });
        } finally {
          forgetQueue.poke();
        }
      }),
  };
}

type Ending = Pick<Parameters<LocalShells['exec']>[0], 'kill' | 'aside'>;

async function execute(run: TransportRun, shells: LocalShells, ending: Ending): Promise<TransportResult> {
  await checkDirectory(run.spec.cwd);
  if (run.guard === undefined || run.guard.mode === 'start') run.signal.throwIfAborted();
  let isSent = false;
  const onStart = async (): Promise<void> => {
    await run.onStart();
    isSent = true;
  };
  try {
    return await shells.exec({ run: { ...run, onStart }, ...ending });
  } catch (error) {
    if (isSent || run.guard || !(error instanceof MoltError) || error.code !== 'MOLT_NO_GUARD') throw error;
    throw new MoltError('MOLT_ACTION_FAILED', `no shell can be started on ${run.target.name}: ${error.message}`, {
      cause: asMoltError(error),
    });
  }
}

async function checkDirectory(cwd: string | undefined): Promise<void> {
  if (cwd === undefined) return;
  const isDirectory = await stat(cwd).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new MoltError('MOLT_ACTION_FAILED', `the directory "${cwd}" does not exist on this host`);
}

function sshdEnvironment(): Record<string, string> {
  const { username, shell } = userInfo();
  return {
    HOME: homedir(),
    USER: username,
    LOGNAME: username,
    SHELL: shell ?? '/bin/sh',
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
}
