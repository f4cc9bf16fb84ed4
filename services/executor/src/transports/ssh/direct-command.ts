import type { ExecResult, OutputStream, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { type Clock, MoltError, type SshTarget } from '@moltbot/shared';
import { pumpOutput } from '../output-pump.ts';
import type { KillTimes } from '../shell/resident.ts';
import { type CommandScript, createMarkerCutter, type Marker } from './command-script.ts';
import { type EngineChannel, NotSentError } from './engine.ts';
import { type KillVerdict, killScript, readVerdict } from './kill-script.ts';
import type { Link } from './link.ts';
import { runAside } from './run-aside.ts';
import type { Place } from './shared-connection.ts';
import { orAborted, settledWithin, withTimeLimit } from './time-limit.ts';

export interface CommandDeps {
  readonly link: Link;
  readonly target: SshTarget;
  readonly run: TransportRun;
  readonly kill: KillTimes;
  readonly clock: Clock;
}

export interface DirectDeps extends CommandDeps {
  readonly place: Place;
  readonly script: CommandScript;
}

/** After the group is gone, how long the last of its output may take. */
const lastOutputMs = 1_000;

/**
 * Runs a command in a session of its own, as the login shell runs it. It has started, for the store.
 * @returns a NotSentError when it certainly has not, for the host
 */
export async function runDirect(deps: DirectDeps): Promise<TransportResult | NotSentError> {
  const sent = await trySend(deps);
  return 'channel' in sent ? follow(sent.channel, deps) : sent;
}

type NeverFollowed = Required<Pick<TransportResult, 'killed'>>;

/** @throws MOLT_SSH_LOST when the command may have started */
async function trySend(deps: DirectDeps): Promise<{ readonly channel: EngineChannel } | NeverFollowed | NotSentError> {
  const { place, run, script, clock, kill } = deps;
  try {
    run.signal.throwIfAborted();
    const opening = place.exec(script.text);
    // The host may never answer; whoever wants the command gone is told in time that nothing is known.
    const channel = await orAborted(opening, run.signal).catch(() => settledWithin(clock, kill.verdictMs, opening));
    if (channel) return { channel };
    opening.then((late) => late.close()).catch(() => {});
    return { killed: 'unverified' };
  } catch (error) {
    if (error instanceof NotSentError) return error;
    if (run.signal.aborted && error === run.signal.reason) return { killed: 'verified' };
    throw error;
  }
}

async function follow(channel: EngineChannel, deps: DirectDeps): Promise<TransportResult> {
  const { run, script, clock } = deps;
  const seen = Promise.withResolvers<Marker>();
  let marker: Marker | undefined;
  let settled = false;
  const cutter = createMarkerCutter(script.nonce, (found) => {
    marker = found;
    seen.resolve(found);
    if (run.spec.stdin !== undefined) channel.endInput(run.spec.stdin);
  });
  const give = async (stream: OutputStream, data: Buffer): Promise<void> => {
    if (data.length > 0 && !settled) await run.onOutput(stream, data);
  };
  const pump = pumpOutput(channel, (stream, data) => give(stream, stream === 'stdout' ? cutter.push(data) : data));
  const finished = pump.done.then(() => give('stdout', cutter.rest())).then(() => channel.ended);
  try {
    if (await endsByItself(finished, run.signal)) return resultOf(await finished, marker, deps);
    const killed = await endCommand({ channel, marker: () => marker, markerSeen: seen.promise }, deps);
    const result = await settledWithin(clock, lastOutputMs, finished);
    return { ...result, killed };
  } finally {
    settled = true;
    channel.close();
  }
}

/** False when it must be ended: it was aborted, or its output cannot be handed over. */
async function endsByItself(finished: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  const { promise: aborted, resolve } = Promise.withResolvers<boolean>();
  const abort = (): void => resolve(false);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const ended = finished.then(
    () => true,
    () => false,
  );
  const byItself = await Promise.race([ended, aborted]);
  signal.removeEventListener('abort', abort);
  return byItself;
}

function resultOf(
  result: ExecResult | undefined,
  marker: Marker | undefined,
  { target, run }: CommandDeps,
): TransportResult {
  if (result === undefined) {
    throw new MoltError('MOLT_SSH_LOST', `the connection to ${target.host}:${target.port} broke while the command ran`);
  }
  if (marker?.kind === 'no-directory') {
    throw new MoltError('MOLT_ACTION_FAILED', `the directory "${run.spec.cwd}" cannot be entered on ${target.name}`);
  }
  return result;
}

interface Running {
  readonly channel: EngineChannel;
  readonly marker: () => Marker | undefined;
  readonly markerSeen: Promise<Marker>;
}

/** Ends the command's process group, and says whether it was seen to be gone. Never rejects. */
async function endCommand(running: Running, deps: DirectDeps): Promise<'verified' | 'unverified'> {
  const { kill, clock, run } = deps;
  const reason = (): Error =>
    new MoltError('MOLT_DEADLINE', `the end of the command was not seen within ${kill.verdictMs} ms`);
  let verdict: KillVerdict | 'ended' | 'unknown' = 'unknown';
  try {
    verdict = await withTimeLimit({ ms: kill.verdictMs, reason, clock }, async (signal) => {
      const group = await groupOf(running, deps, signal);
      if (group !== undefined)
        return readVerdict(await runAside({ command: killScript(group, kill.graceMs) }, deps, signal));
      return (await orAborted(running.channel.ended, signal)) === undefined ? 'unknown' : 'ended';
    });
  } catch (err) {
    run.log.warn({ err }, 'the command could not be seen to end');
  }
  const isGone = verdict === 'gone' || verdict === 'ended';
  if (!isGone) run.log.warn({ verdict }, 'processes of the command may still run on the target');
  return isGone ? 'verified' : 'unverified';
}

/**
 * The group to end, from the marker; undefined when the session has ended. A login shell that hangs in a start-up file has not
 * sent it, and a second one would hang there too: then the server is asked to signal the session.
 */
async function groupOf(
  running: Running,
  { clock, kill }: CommandDeps,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { channel, marker, markerSeen } = running;
  const known = Promise.race([markerSeen, channel.ended]);
  for (const name of ['TERM', 'KILL'] as const) {
    if (marker() !== undefined) break;
    channel.signal(name);
    await orAborted(settledWithin(clock, kill.graceMs, known), signal);
  }
  await orAborted(known, signal);
  const found = marker();
  return found?.kind === 'started' ? found.group : undefined;
}
