import type { TransportResult } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';
import { settledWithin } from '../ssh/time-limit.ts';
import { type Exchange, openExchange } from './exchange.ts';
import { guardProgram } from './program.ts';
import { commandWords, endGroupProgram, killSteps, plainRequest, spareRequest } from './requests.ts';
import { askAside, endsByItself, killedEnd, lastOutputMs, type RunDeps } from './run-deps.ts';

/**
 * Runs a command without a record. The status of the shell is the exit code, 128 + n of a signal too, unless it was ended
 * from here.
 */
export async function runPlain(deps: RunDeps): Promise<TransportResult> {
  const { wire, work, spareNonce } = deps;
  const { run } = work;
  const words = commandWords(run.spec);
  run.signal.throwIfAborted();
  await run.onStart();
  if (run.signal.aborted) return { killed: 'verified' };
  const { exchange, group, isEntered, stop } = openPlain(deps);
  wire.send((spareNonce ? spareRequest : plainRequest)(exchange.nonce, words));
  try {
    if (await endsByItself(exchange.finished, run.signal)) {
      const end = await exchange.finished.catch(async (error: unknown) => {
        await kill(exchange, group, deps);
        throw error;
      });
      if (end[2] === '1') deps.spoil();
      if (isEntered()) return { exitCode: Number(end[1]) };
      throw new MoltError(
        'MOLT_ACTION_FAILED',
        `the directory "${run.spec.cwd}" cannot be entered on ${run.target.name}`,
      );
    }
    return await kill(exchange, group, deps);
  } finally {
    stop();
  }
}

interface PlainExchange {
  readonly exchange: Exchange;
  /** The process group of the command, once it is told. */
  readonly group: Promise<number | undefined>;
  isEntered(): boolean;
  stop(): void;
}

/** After the end of a spare without a command, how long the shell itself may take to take the line, ms. */
const takenWithinMs = 5_000;

/**
 * A spare that ended before it had a command is told like one that had, and the shell takes the line. When nobody does, the spare
 * had read it: the shell is closed.
 */
function openPlain({ wire, work, options, spareNonce, close }: RunDeps): PlainExchange {
  const group = Promise.withResolvers<number | undefined>();
  let isEntered = true;
  let startedPid: string | undefined;
  let waiting: AbortController | undefined;
  const onFrame = ([kind, pid]: readonly string[]): void => {
    if (kind === 'started') {
      startedPid = pid;
      group.resolve(readGroup(pid));
    }
    if (kind === 'cwd') isEntered = false;
  };
  const waitForStart = async (): Promise<void> => {
    waiting ??= new AbortController();
    await options.clock.sleep(takenWithinMs, waiting.signal);
    if (startedPid === undefined) close();
  };
  const endOf = ([, , , pid]: readonly string[]): string | undefined => {
    if (startedPid === undefined) waitForStart().catch(() => {});
    return pid === startedPid ? pid : undefined;
  };
  const exchange = openExchange(wire, work.run, onFrame, { nonce: spareNonce, endOf });
  return {
    exchange,
    group: group.promise,
    isEntered: () => isEntered,
    stop() {
      waiting?.abort();
      exchange.stop();
    },
  };
}

/** Groups 0 and 1 mean others than one's own to kill(1), so they are not believed. */
function readGroup(word: string | undefined): number | undefined {
  const group = Number(word);
  return Number.isSafeInteger(group) && group > 1 ? group : undefined;
}

/** Ends the process group of the command, and says whether it was seen to be gone. Never rejects. */
async function kill(exchange: Exchange, started: Promise<number | undefined>, deps: RunDeps): Promise<TransportResult> {
  const { wire, work, options } = deps;
  const { log } = work.run;
  if (!wire.isOpen()) return { killed: 'unverified' };
  const group = await settledWithin(options.clock, work.kill.verdictMs, Promise.race([started, nothing(wire.closed)]));
  const { record } = await guardProgram();
  const verdict = group && (await askAside(deps, endGroupProgram(record, group, killSteps(work.kill))));
  const end = await settledWithin(options.clock, lastOutputMs, exchange.finished).catch(() => undefined);
  if (end === undefined) deps.close();
  if (end?.[2] !== '0') deps.spoil();
  if (verdict === 'gone') return { ...killedEnd(end && Number(end[1])), killed: 'verified' };
  log.warn({ verdict }, 'processes of the command may still run on the target');
  return { ...(end && killedEnd(Number(end[1]))), killed: 'unverified' };
}

const nothing = async (promise: Promise<unknown>): Promise<undefined> => {
  await promise;
};
