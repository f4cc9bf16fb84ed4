import type { Resolution, RunError, RunOutcome } from '@moltbot/shared';
import { joinChunks } from '../output-chunks.ts';
import type { AppendOutcome, LeaseRenewal, MoveOutcome, OutputChunk, OutputRest, RunToken, Store } from '../port.ts';
import type { Retention } from '../retention.ts';
import type { Argument, RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { statesBefore } from './lua/common.ts';
import { runScripts } from './lua/run-scripts.ts';
import { eventMore } from './run-record.ts';
import { outputKeys, type RunName, runHeader, runKeys } from './script-keys.ts';

type RunCalls = Pick<
  Store,
  'startRun' | 'renewLeases' | 'releaseRun' | 'retryRun' | 'finishRun' | 'resolveRun' | 'appendOutput'
>;

export function createRunCalls(client: RedisClient, { outputMs }: Retention): RunCalls {
  return {
    async startRun(token) {
      const reply = await client.run(runScripts.start, runKeys(token), [...runHeader(token), token.fence]);
      return reply as MoveOutcome | 'cancelled';
    },
    renewLeases: (tokens, leaseMs) => renew(client, tokens, leaseMs),
    async releaseRun(token, rest) {
      const own = [rest?.at ?? -1, ...pairsOf(rest?.chunks ?? [])];
      return (await writeWithOutput(client, 'release', token, own)) as MoveOutcome;
    },
    retryRun: (token, retry) => retryLater(client, { token, ...retry, keepMs: outputMs }),
    finishRun: (token, outcome, rest) => finish(client, { token, outcome, rest, keepMs: outputMs }),
    resolveRun: (tenant, runId, resolution) => resolve(client, { tenant, runId }, resolution),
    appendOutput: (token, at, chunks) => append(client, { token, at, chunks }),
  };
}

/** Runs a script that takes a token and output. */
const writeWithOutput = (
  client: RedisClient,
  script: 'release' | 'retry' | 'finish' | 'append',
  token: RunToken,
  own: readonly Argument[],
): Promise<unknown> =>
  client.run(runScripts[script], [...runKeys(token), ...outputKeys(token)], [...runHeader(token), token.fence, ...own]);

/** One script a tenant, as the keys of one script are in one slot. */
async function renew(client: RedisClient, tokens: readonly RunToken[], leaseMs: number): Promise<LeaseRenewal[]> {
  const byTenant = Map.groupBy(tokens, ({ tenant }) => tenant);
  const renewals = await Promise.all(
    [...byTenant.values()].map(async (group) => {
      const runs = group.map(({ tenant, runId }) => keys.run(tenant, runId));
      const held = await client.run(runScripts.renew, runs, [leaseMs, ...group.map(({ fence }) => fence)]);
      return group.map((token, index): [RunToken, number] => [token, (held as number[])[index] ?? 0]);
    }),
  );
  const answers = new Map(renewals.flat());
  return tokens.map((token) => {
    const answer = answers.get(token) ?? 0;
    return { token, held: answer > 0, cancelRequested: answer === 2 };
  });
}

interface Ending {
  readonly token: RunToken;
  readonly rest?: OutputRest | undefined;
  /** How long output is kept once the run has ended, ms. */
  readonly keepMs: number;
}

type Retry = Ending & { readonly error: RunError; readonly delayMs: number };

/** The script keeps the names of the output, for the day when the run ends without its worker. */
async function retryLater(
  client: RedisClient,
  { token, error, delayMs, rest, keepMs }: Retry,
): Promise<MoveOutcome | 'cancelled'> {
  const own = [rest?.at ?? -1, delayMs, JSON.stringify(error), eventMore({ state: 'failed', error })];
  const output = [keepMs, ...outputKeys(token)].join(' ');
  const reply = await writeWithOutput(client, 'retry', token, [...own, output, ...pairsOf(rest?.chunks ?? [])]);
  return reply as MoveOutcome | 'cancelled';
}

async function finish(
  client: RedisClient,
  { token, outcome, rest, keepMs }: Ending & { readonly outcome: RunOutcome },
): Promise<MoveOutcome> {
  const { state, truncated, exitCode, signal, error, data } = outcome;
  const reply = await writeWithOutput(client, 'finish', token, [
    ...[state, statesBefore(state), eventMore(outcome), truncated ? 1 : 0, keepMs, rest?.at ?? -1],
    ...[exitCode ?? '', signal ?? '', error ? JSON.stringify(error) : ''],
    data === undefined ? '' : JSON.stringify(data),
    ...pairsOf(rest?.chunks ?? []),
  ]);
  return reply as MoveOutcome;
}

async function resolve(
  client: RedisClient,
  name: RunName,
  resolution: Resolution,
): Promise<'ok' | 'absent' | 'closed'> {
  const { as, by } = resolution;
  const event = JSON.stringify({ kind: 'resolved', runId: name.runId, as, by }).slice(1, -1);
  const args = [...runHeader(name), JSON.stringify(resolution), `,${event}`];
  return (await client.run(runScripts.resolve, runKeys(name), args)) as 'ok' | 'absent' | 'closed';
}

async function append(
  client: RedisClient,
  { token, at, chunks }: { readonly token: RunToken; readonly at: number; readonly chunks: readonly OutputChunk[] },
): Promise<AppendOutcome> {
  const reply = await writeWithOutput(client, 'append', token, [at, ...pairsOf(chunks)]);
  const [kind, storedBytes] = reply as ['ok' | 'fenced' | 'gap', number];
  return kind === 'gap' ? { kind, storedBytes } : { kind };
}

const pairsOf = (chunks: readonly OutputChunk[]): Argument[] =>
  joinChunks(chunks).flatMap(({ stream, data }) => [stream, data]);
