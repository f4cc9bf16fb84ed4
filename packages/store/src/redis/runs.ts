import { type RunOrder, type RunOutcome, type RunState, taskIdOf } from '@moltbot/shared';
import { positionOf } from '../listing.ts';
import { joinChunks } from '../output-chunks.ts';
import type {
  AppendOutcome,
  Claim,
  ClaimRequest,
  LeaseRenewal,
  MoveOutcome,
  OutputChunk,
  RunToken,
  Store,
} from '../port.ts';
import type { Retention } from '../retention.ts';
import type { Argument, RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { statesBefore } from './lua/common.ts';
import { runScripts } from './lua/run-scripts.ts';
import { taskScripts } from './lua/task-scripts.ts';
import { eventMore } from './run-record.ts';
import type { Tenants } from './tenants.ts';

type RunCalls = Pick<
  Store,
  'claimRun' | 'startRun' | 'renewLeases' | 'releaseRun' | 'finishRun' | 'abandonRun' | 'appendOutput'
>;

export interface RunDeps {
  readonly client: RedisClient;
  readonly tenants: Tenants;
  readonly retention: Retention;
}

export function createRunCalls(deps: RunDeps): RunCalls {
  const { client, retention } = deps;
  const move = (script: keyof typeof runScripts, token: RunToken): Promise<unknown> =>
    client.run(runScripts[script], runKeys(token), [...header(token), token.fence]);
  return {
    claimRun: (request) => claim(deps, request),
    startRun: async (token) => (await move('start', token)) as MoveOutcome | 'cancelled',
    releaseRun: async (token) => (await move('release', token)) as MoveOutcome,
    renewLeases: (tokens, leaseMs) => renew(client, tokens, leaseMs),
    finishRun: (token, outcome, rest) => finish(client, { token, outcome, rest, keepMs: retention.outputMs }),
    abandonRun: (order, outcome) => abandon(deps, order, outcome),
    appendOutput: (token, at, chunks) => append(client, { token, at, chunks }),
  };
}

interface RunName {
  readonly tenant: string;
  readonly runId: string;
}

/** What every script about one run is given first (lua/run-scripts.ts). */
const runKeys = ({ tenant, runId }: RunName): string[] => {
  const taskId = taskIdOf(runId);
  return [
    keys.run(tenant, runId),
    keys.task(tenant, taskId),
    keys.events(tenant, taskId),
    ...[keys.ended(tenant), keys.unpublished(tenant)],
  ];
};

const outputKeys = ({ tenant, runId }: RunName): string[] => [
  keys.output(tenant, runId, 'stdout'),
  keys.output(tenant, runId, 'stderr'),
];

const header = ({ tenant, runId }: RunName): string[] => {
  const taskId = taskIdOf(runId);
  return [keys.wake(tenant, taskId), taskId, runId];
};

const nameOf = ({ runId, task }: RunOrder): RunName => ({ tenant: task.principal.tenant, runId });

/** The order is sent only when its records are not there: most claims are short. */
async function claim(deps: RunDeps, request: ClaimRequest): Promise<Claim> {
  const { order, worker, leaseMs, redelivered, publishedAt, start } = request;
  const name = nameOf(order);
  const args = [...header(name), worker, leaseMs, redelivered ? 1 : 0, publishedAt, start ? 1 : 0];
  const reply = await deps.client.run(runScripts.claim, runKeys(name), args);
  const [verdict, value, attempt] = reply as [Claim['verdict'] | 'absent', string | number, number];
  switch (verdict) {
    case 'absent':
      await learn(deps, order);
      return claim(deps, request);
    case 'final':
      return { verdict, state: value as RunState };
    case 'busy':
      return { verdict, retryAfterMs: Number(value) };
    default:
      return { verdict, token: { ...name, fence: Number(value) }, attempt };
  }
}

async function learn({ client, tenants }: RunDeps, { task, runId, index, target }: RunOrder): Promise<void> {
  const { tenant } = task.principal;
  await tenants.add(tenant);
  await client.run(
    taskScripts.learn,
    [keys.run(tenant, runId), keys.task(tenant, task.id), keys.events(tenant, task.id), keys.tasks(tenant)],
    [JSON.stringify(task), positionOf(task), task.runs, index, JSON.stringify(target)],
  );
}

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

interface Finish {
  readonly token: RunToken;
  readonly outcome: RunOutcome;
  readonly rest: { readonly at: number; readonly chunks: readonly OutputChunk[] } | undefined;
  readonly keepMs: number;
}

async function finish(client: RedisClient, { token, outcome, rest, keepMs }: Finish): Promise<MoveOutcome> {
  const { state, truncated, exitCode, signal, error } = outcome;
  const reply = await client.run(
    runScripts.finish,
    [...runKeys(token), ...outputKeys(token)],
    [
      ...[...header(token), token.fence, state, statesBefore(state), eventMore(outcome)],
      ...[truncated ? 1 : 0, keepMs, rest?.at ?? -1],
      ...[exitCode ?? '', signal ?? '', error ? JSON.stringify(error) : ''],
      ...pairsOf(rest?.chunks ?? []),
    ],
  );
  return reply as MoveOutcome;
}

async function abandon(deps: RunDeps, order: RunOrder, outcome: RunOutcome): Promise<MoveOutcome> {
  const name = nameOf(order);
  const { state, error } = outcome;
  const own = [state, statesBefore(state), eventMore(outcome), error ? JSON.stringify(error) : ''];
  const reply = await deps.client.run(runScripts.abandon, runKeys(name), [...header(name), ...own]);
  if (reply !== 'absent') return reply as MoveOutcome;
  await learn(deps, order);
  return abandon(deps, order, outcome);
}

async function append(
  client: RedisClient,
  { token, at, chunks }: { readonly token: RunToken; readonly at: number; readonly chunks: readonly OutputChunk[] },
): Promise<AppendOutcome> {
  const args = [...header(token), token.fence, at, ...pairsOf(chunks)];
  const reply = await client.run(runScripts.append, [...runKeys(token), ...outputKeys(token)], args);
  const [kind, storedBytes] = reply as ['ok' | 'fenced' | 'gap', number];
  return kind === 'gap' ? { kind, storedBytes } : { kind };
}

const pairsOf = (chunks: readonly OutputChunk[]): Argument[] =>
  joinChunks(chunks).flatMap(({ stream, data }) => [stream, data]);
