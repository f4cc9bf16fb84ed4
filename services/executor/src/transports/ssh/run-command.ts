import type { ExecResult, OutputStream, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { backoffMs, type Clock, MoltError, type SshTarget } from '@moltbot/shared';
import { pumpOutput } from '../output-pump.ts';
import { type CommandScript, createMarkerCutter, type Marker } from './command-script.ts';
import { type EngineChannel, NotSentError } from './engine.ts';
import { type KillVerdict, killScript, readVerdict } from './kill-script.ts';
import type { Link } from './link.ts';
import { type Place, readAll } from './shared-connection.ts';
import { orAborted, settledWithin, withTimeLimit } from './time-limit.ts';

/** How the end of a command is brought about. */
export interface KillTimes {
  /** Between TERM and KILL, ms. */
  readonly graceMs: number;
  /** Until it must be known whether the group is gone, ms. */
  readonly verdictMs: number;
}

export interface CommandDeps {
  readonly link: Link;
  readonly target: SshTarget;
  readonly script: CommandScript;
  readonly run: TransportRun;
  readonly kill: KillTimes;
  readonly clock: Clock;
}

/** After the group is gone, how long the last of its output may take. */
const lastOutputMs = 1_000;

/** Runs one command from the wait for a place to its end. The contract is that of `createSshTransport`. */
export async function runCommand(deps: CommandDeps): Promise<TransportResult> {
  const { link, run } = deps;
  const place = await link.acquire({ connectMs: run.connectMs, signal: run.signal });
  try {
    await run.onStart();
  } catch (error) {
    place.release();
    throw error;
  }
  const sent = await send(place, deps);
  if ('killed' in sent) return sent;
  try {
    return await follow(sent, deps);
  } finally {
    sent.place.release();
  }
}

interface Sent {
  readonly channel: EngineChannel;
  readonly place: Place;
}

type NeverFollowed = Required<Pick<TransportResult, 'killed'>>;

/** Sends the command, again and on other places while the host would not take it: it never started then. */
async function send(first: Place, deps: CommandDeps): Promise<Sent | NeverFollowed> {
  const { link, run, target, clock } = deps;
  const { signal, connectMs } = run;
  const end = clock.monotonic() + connectMs;
  let place = first;
  for (let tries = 1; ; tries++) {
    const outcome = await trySend(place, deps);
    if (!(outcome instanceof NotSentError)) return outcome;
    place.release();
    const left = end - clock.monotonic();
    if (left <= 0) throw noSession(target, connectMs, outcome);
    try {
      if (tries > 1) await clock.sleep(backoffMs(tries - 1, { baseMs: 20, maxMs: 1_000 }), signal);
      place = await link.acquire({ connectMs: left, signal, front: true });
    } catch (error) {
      if (signal.aborted) return { killed: 'verified' };
      throw error;
    }
  }
}

/** @throws MOLT_SSH_LOST when the command may have started; its place is given back then */
async function trySend(place: Place, deps: CommandDeps): Promise<Sent | NeverFollowed | NotSentError> {
  const { run, script, clock, kill } = deps;
  try {
    run.signal.throwIfAborted();
    const opening = place.exec(script.text);
    // The host may never answer; whoever wants the command gone is told in time that nothing is known.
    const channel = await orAborted(opening, run.signal).catch(() => settledWithin(clock, kill.verdictMs, opening));
    if (channel) return { channel, place };
    opening.then((late) => late.close()).catch(() => {});
    place.release();
    return { killed: 'unverified' };
  } catch (error) {
    if (error instanceof NotSentError) return error;
    place.release();
    if (run.signal.aborted && error === run.signal.reason) return { killed: 'verified' };
    throw error;
  }
}

const noSession = ({ host, port }: SshTarget, connectMs: number, cause: Error): MoltError =>
  new MoltError('MOLT_SSH_BUSY', `${host}:${port} refused a session for ${connectMs} ms`, { cause });

async function follow(sent: Sent, deps: CommandDeps): Promise<TransportResult> {
  const { channel } = sent;
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
    const killed = await endCommand({ ...sent, marker: () => marker, markerSeen: seen.promise }, deps);
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

interface Running extends Sent {
  readonly marker: () => Marker | undefined;
  readonly markerSeen: Promise<Marker>;
}

/** Ends the command's process group, and says whether it was seen to be gone. Never rejects. */
async function endCommand(running: Running, deps: CommandDeps): Promise<'verified' | 'unverified'> {
  const { kill, clock, run } = deps;
  const reason = (): Error =>
    new MoltError('MOLT_DEADLINE', `the end of the command was not seen within ${kill.verdictMs} ms`);
  let verdict: KillVerdict | 'ended' | 'unknown' = 'unknown';
  try {
    verdict = await withTimeLimit({ ms: kill.verdictMs, reason, clock }, async (signal) => {
      const group = await groupOf(running, deps, signal);
      if (group !== undefined)
        return readVerdict(await runAside(killScript(group, kill.graceMs), running, deps, signal));
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

/** Over the command's own connection, or when that gives no channel or is gone, over a new one. */
async function runAside(script: string, { place }: Sent, { link }: CommandDeps, signal: AbortSignal): Promise<string> {
  try {
    return await place.runAside(script, signal);
  } catch (error) {
    if (signal.aborted) throw error;
  }
  const engine = await link.connectAside(signal);
  try {
    return await readAll(engine.exec(script), signal);
  } finally {
    engine.close();
  }
}
