import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecSpec, Transport, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { type Logger, MoltError } from '@moltbot/shared';
import { createInFlight } from './in-flight.ts';
import { type OutputPump, pumpOutput } from './output-pump.ts';
import { endGroup } from './process-group.ts';
import { checkScript, exportLines } from './shell-words.ts';

export interface LocalTransportDeps {
  readonly log: Logger;
  /**
   * The environment commands start with. Default: what sshd would give (HOME, USER, LOGNAME, SHELL, PATH), and nothing of
   * this process's own environment, which may hold secrets.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Between TERM and KILL, ms. Default 2000. */
  readonly killGraceMs?: number;
  /** How long output may stay silent after the exit of a command whose children hold its pipes open, ms. Default 500. */
  readonly lingerMs?: number;
}

/**
 * Runs commands on this host with `/bin/sh -c`, each in a process group of its own, in the directory of this process unless
 * the command names another.
 *
 * `exec` resolves with exit code or signal when the command has exited and its output has ended. Children it left behind may
 * hold the output open: then it resolves `lingerMs` after the last output, and what they print later is dropped.
 * An abort ends the whole group: TERM, KILL after the grace.
 * @throws MOLT_ACTION_FAILED when the command cannot be started; MOLT_BAD_ARGUMENTS when no shell could take it;
 * MOLT_SHUTTING_DOWN when the transport does not take commands; the reason of `signal` when it aborts before the start
 */
export function createLocalTransport(deps: LocalTransportDeps): Transport {
  const settings = { env: sshdEnvironment(), killGraceMs: 2_000, lingerMs: 500, ...deps };
  const inFlight = createInFlight('the local transport', deps.log);
  return {
    name: 'local-transport',
    transport: 'local',
    start: async () => inFlight.open(),
    quiesce: (force) => inFlight.quiesce(force),
    async stop() {
      inFlight.abort();
      await inFlight.settled();
    },
    health: () => inFlight.health(),
    isReady: () => true,
    exec: (run) => inFlight.track(run, (signal) => execute({ ...run, signal }, settings)),
  };
}

type Settings = Required<LocalTransportDeps>;
type Shell = ChildProcessByStdio<Writable | null, Readable, Readable>;

async function execute(run: TransportRun, settings: Settings): Promise<TransportResult> {
  const { spec, signal } = run;
  const script = checkScript([...exportLines(spec.env), spec.command].join('\n'));
  await checkDirectory(spec.cwd);
  signal.throwIfAborted();
  await run.onStart();
  if (signal.aborted) return { killed: 'verified' };
  const child = startShell(script, spec, settings.env);
  const pid = await pidOf(child, run);
  return follow({ child, pid, run, settings });
}

async function checkDirectory(cwd: string | undefined): Promise<void> {
  if (cwd === undefined) return;
  const isDirectory = await stat(cwd).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new MoltError('MOLT_ACTION_FAILED', `the directory "${cwd}" does not exist on this host`);
}

function startShell(script: string, spec: ExecSpec, env: Settings['env']): Shell {
  const options = { env: { ...env }, detached: true, ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }) };
  const { stdin } = spec;
  if (stdin === undefined) return spawn('/bin/sh', ['-c', script], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const child = spawn('/bin/sh', ['-c', script], { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  // A command may end without reading its input.
  child.stdin.on('error', () => {}).end(stdin);
  return child;
}

async function pidOf(child: Shell, { target }: TransportRun): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const cause = await new Promise<Error>((resolve) => child.once('error', resolve));
  throw new MoltError('MOLT_ACTION_FAILED', `no shell can be started on ${target.name}: ${cause.message}`, { cause });
}

interface Following {
  readonly child: Shell;
  readonly pid: number;
  readonly run: TransportRun;
  readonly settings: Settings;
}

async function follow({ child, pid, run, settings }: Following): Promise<TransportResult> {
  const { lingerMs, killGraceMs } = settings;
  const exited = new Promise<TransportResult>((resolve) =>
    child.once('exit', (code, signal) => resolve(code === null ? { signal: signal?.slice(3) } : { exitCode: code })),
  );
  let lastOutput = performance.now();
  const pump = pumpOutput(child, async (stream, data) => {
    await run.onOutput(stream, data);
    lastOutput = performance.now();
  });
  // The end of the group, once somebody wants it: an abort, or output that nobody takes.
  let ending: Promise<boolean> | undefined;
  const survived = Promise.withResolvers<TransportResult>();
  const end = (): void => {
    ending ??= endGroup(pid, killGraceMs);
    void ending.then((gone) => gone || survived.resolve({}));
  };
  run.signal.addEventListener('abort', end, { once: true });
  if (run.signal.aborted) end();
  pump.done.catch(end);
  try {
    const result = await Promise.race([exited, survived.promise]);
    lastOutput = performance.now();
    await untilSilent({ pump, streams: [child.stdout, child.stderr], lastOutput: () => lastOutput, lingerMs });
    if (ending === undefined) return result;
    const gone = await ending;
    if (!gone) run.log.warn({ pid }, 'processes of the command may still run on this host');
    return { ...result, killed: gone ? 'verified' : 'unverified' };
  } finally {
    run.signal.removeEventListener('abort', end);
    await ending;
  }
}

/** Resolves when all output was taken, or none came for `lingerMs`; rejects when it could not be handed over. */
async function untilSilent(after: {
  readonly pump: OutputPump;
  readonly streams: readonly Readable[];
  readonly lastOutput: () => number;
  readonly lingerMs: number;
}): Promise<void> {
  const { pump, streams, lastOutput, lingerMs } = after;
  const closed = new AbortController();
  const giveUp = async (): Promise<void> => {
    for (;;) {
      const left = lastOutput() + lingerMs - performance.now();
      if (left <= 0 && !pump.busy()) break;
      await delay(Math.max(left, 10), undefined, { signal: closed.signal });
    }
    for (const stream of streams) stream.destroy();
  };
  const lingering = giveUp().catch(() => {});
  try {
    await pump.done;
  } finally {
    closed.abort();
    await lingering;
  }
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
