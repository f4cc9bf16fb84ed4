import { type RunOrder, type RunOutcome, type RunState, replyPlatformOf } from '@moltbot/shared';
import { startBy } from '../expiry.ts';
import { ofAttempt } from '../held-run.ts';
import { positionOf } from '../listing.ts';
import type { Claim, ClaimRequest, HeldRun, MoveOutcome, Store } from '../port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { statesBefore } from './lua/common.ts';
import { runScripts } from './lua/run-scripts.ts';
import { taskScripts } from './lua/task-scripts.ts';
import { eventMore } from './run-record.ts';
import { type RunName, runHeader, runKeys } from './script-keys.ts';
import type { Tenants } from './tenants.ts';

export interface ClaimDeps {
  readonly client: RedisClient;
  readonly tenants: Tenants;
  readonly lostAfterMs: number;
}

/** The calls that make the records of an order again when they are not there: the message wins. */
export const createClaimCalls = (deps: ClaimDeps): Pick<Store, 'claimRun' | 'abandonRun'> => ({
  claimRun: (request) => claim(deps, request),
  abandonRun: (order, outcome) => abandon(deps, order, outcome),
});

const nameOf = ({ runId, task }: RunOrder): RunName => ({ tenant: task.principal.tenant, runId });

type ClaimReply =
  | readonly ['absent']
  | readonly ['final', RunState]
  | readonly ['busy', number, string, number]
  | readonly ['run' | 'lost', string, number, ...(string | null)[]];

/** The order is sent only when its records are not there: most claims are short. */
async function claim(deps: ClaimDeps, request: ClaimRequest): Promise<Claim> {
  const { order, worker, leaseMs, redelivered, publishedAt, claimId, start } = request;
  const name = nameOf(order);
  const args = [...runHeader(name), worker, leaseMs, redelivered ? 1 : 0, publishedAt, start ? 1 : 0, claimId];
  const reply = (await deps.client.run(runScripts.claim, runKeys(name), args)) as ClaimReply;
  switch (reply[0]) {
    case 'absent':
      await learn(deps, order);
      return claim(deps, request);
    case 'final':
      return { verdict: 'final', state: reply[1] };
    case 'busy':
      return { verdict: 'busy', retryAfterMs: reply[1], cancelRequested: reply[2] === '1', runningMs: reply[3] };
    default: {
      const [verdict, fence, attempt, ...fields] = reply;
      return { verdict, token: { ...name, fence: Number(fence) }, attempt, ...heldOf(fields) };
    }
  }
}

/** What lua/claim-script.ts tells of a run that is held: stdout, stderr, history, started, cancel, learned. */
function heldOf(fields: readonly (string | null)[]): Omit<HeldRun, 'token' | 'attempt'> {
  const [out, err, history, started, cancel, learned] = fields;
  const stored = { stdout: Number(out ?? 0), stderr: Number(err ?? 0) };
  return {
    stored,
    ofAttempt: history ? ofAttempt(stored, JSON.parse(history)) : stored,
    ...(started && { startedAt: Number(started) }),
    cancelRequested: cancel === '1',
    isLearned: learned === '1',
  };
}

async function learn(
  { client, tenants, lostAfterMs }: ClaimDeps,
  { task, runId, index, target }: RunOrder,
): Promise<void> {
  const { tenant } = task.principal;
  await tenants.add(tenant);
  await client.run(
    taskScripts.learn,
    [
      ...[keys.run(tenant, runId), keys.task(tenant, task.id), keys.events(tenant, task.id)],
      ...[keys.tasks(tenant), keys.expiring(tenant)],
    ],
    [
      ...[JSON.stringify(task), positionOf(task), task.runs, index, JSON.stringify(target)],
      ...[startBy(task) ?? '', replyPlatformOf(task.origin) ? 1 : '', task.id, lostAfterMs],
    ],
  );
}

async function abandon(deps: ClaimDeps, order: RunOrder, outcome: RunOutcome): Promise<MoveOutcome> {
  const name = nameOf(order);
  const { state, error } = outcome;
  const own = [state, statesBefore(state), eventMore(outcome), error ? JSON.stringify(error) : ''];
  const reply = await deps.client.run(runScripts.abandon, runKeys(name), [...runHeader(name), ...own]);
  if (reply !== 'absent') return reply as MoveOutcome;
  await learn(deps, order);
  return abandon(deps, order, outcome);
}
