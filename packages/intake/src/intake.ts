import { createHash } from 'node:crypto';
import type { Bus, PublishOutcome } from '@moltbot/bus';
import type { PluginHost } from '@moltbot/plugin-host';
import type { AnyAction } from '@moltbot/plugin-sdk';
import {
  type Clock,
  type Config,
  type Counter,
  counter,
  type ErrorCode,
  envelope,
  type Logger,
  MoltError,
  nearest,
  type Principal,
  type Registry,
  type RunLimits,
  type RunOrder,
  type Target,
  type Task,
} from '@moltbot/shared';
import type { CancelOutcome, Store } from '@moltbot/store';
import { createAdmission } from './admit.ts';
import { createAuthenticator } from './authenticate.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Intake, Submission, Submitted } from './port.ts';
import { publishOrders, queueOf } from './publish-orders.ts';
import { createPublishedMarks } from './published-marks.ts';
import { requestToOrders } from './request-to-orders.ts';
import { selectTargets } from './selector/select.ts';
import { createSweeper } from './sweeper.ts';
import { createTakeBack, type TakeBack } from './take-back.ts';

export interface IntakeDeps {
  readonly config: Pick<Config, 'tenants' | 'targets' | 'limits' | 'executor'>;
  readonly bus: Bus;
  readonly store: Store;
  readonly plugins: PluginHost;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** For tests: how often and how late the sweeper looks. */
  readonly sweep?: { readonly everyMs: number; readonly olderThanMs: number };
}

/** The one door, over any bus and store. */
export function createIntake(deps: IntakeDeps): Intake {
  const { config, bus, store, plugins, clock, log } = deps;
  const tenants = Object.keys(config.tenants);
  const inventory = Object.groupBy(config.targets, ({ tenant }) => tenant);
  const sweeper = createSweeper({ bus, store, tenants, clock, log, ...deps.sweep });
  const marks = createPublishedMarks(store);
  const takeBack = createTakeBack({ store, clock, log });
  const authenticate = createAuthenticator({ tenants: config.tenants, store, monotonic: clock.monotonic });
  const admit = createAdmission({ requests: config.limits.requests, store, monotonic: clock.monotonic });
  const submissions = counter(deps.registry, {
    name: 'moltbot_intake_submissions_total',
    help: 'Submissions at the door, by what became of them.',
    labelNames: ['tenant', 'outcome'],
  });

  const targetsOf = ({ tenant }: Principal): readonly Target[] => inventory[tenant]?.map(withoutTenant) ?? [];

  const toOrders = (submission: Submission) => {
    const { request, principal } = submission;
    const action = findAction(plugins, request.action);
    const targets = selectTargets(request.on, targetsOf(principal));
    assertNotTooMany(targets, config.limits.targetsPerTask, request.on);
    return requestToOrders(submission, { action, targets }, { limits: runLimits(config), now: clock.now });
  };

  const submit = async (submission: Submission): Promise<Submitted> => {
    const { task, orders } = toOrders(submission);
    assertBusTakes(bus);
    const accepted = await store
      .acceptTask({ task, orders, idempotency: idempotencyOf(submission) })
      .catch((error: unknown) => {
        takeBack.add(task, error);
        throw error;
      });
    if (accepted.kind === 'conflict') throw idempotencyConflict(accepted.taskId);
    if (accepted.kind === 'same') {
      takeBack.forget(accepted.taskId);
      return { taskId: accepted.taskId, created: false };
    }
    const outcome = await publishOrders(bus, orders);
    if (outcome !== 'ok') await withdraw(deps, takeBack, { task, orders, outcome });
    else marks.add(task.principal.tenant, task.id);
    log.info(
      { task: task.id, tenant: task.principal.tenant, trace: task.trace, action: task.action, runs: task.runs },
      'task accepted',
    );
    return { taskId: task.id, created: true };
  };

  return {
    name: 'intake',
    authenticate,
    admit,
    submit: (submission) => counted(submissions, submission, submit),
    cancel: ({ tenant }, taskId) => cancel(deps, tenant, taskId),
    targets: (principal, selector) => (selector ? selectTargets(selector, targetsOf(principal)) : targetsOf(principal)),
    actions: (): readonly AnyAction[] => plugins.actions,
    async start() {
      await declareQueues(bus, config);
      await sweeper.start();
    },
    async quiesce(force) {
      await sweeper.quiesce(force);
      await marks.flush();
    },
    async stop() {
      await sweeper.stop();
      await takeBack.stop();
      await marks.flush();
    },
    health: () => (bus.state() === 'ready' ? store.health() : { ok: false, detail: `bus: ${bus.state()}` }),
  };
}

const withoutTenant = ({ tenant: _tenant, ...target }: Config['targets'][number]): Target => target;

const runLimits = ({ executor }: Pick<Config, 'executor'>): RunLimits => ({
  ...executor.timeouts,
  outputBytes: executor.outputCapBytes,
});

/** Publishing needs the queues before any executor has come up. */
async function declareQueues(bus: Bus, config: IntakeDeps['config']): Promise<void> {
  const places = new Set(config.targets.map(({ tenant, pool }) => JSON.stringify([tenant, pool])));
  const pairs = [...places].map((place) => JSON.parse(place) as [string, string]);
  const queues = pairs.flatMap(([tenant, pool]) =>
    (['interactive', 'batch'] as const).map((priority) => ({ kind: 'runs', tenant, pool, priority }) as const),
  );
  await Promise.all(queues.map((queue) => bus.declare(queue)));
}

function findAction(plugins: PluginHost, name: string): AnyAction {
  const action = plugins.findAction(name);
  if (action) return action;
  const meant = nearest(
    name,
    plugins.actions.map((known) => known.name),
  );
  const hint = meant ? `; did you mean "${meant}"?` : '';
  throw new MoltError('MOLT_UNKNOWN_ACTION', `there is no action "${name}"${hint}`, {
    places: [{ path: '/action', message: `there is no action "${name}"${hint}` }],
  });
}

function assertNotTooMany(targets: readonly Target[], most: number, on: string): void {
  if (targets.length <= most) return;
  const message = `"${on}" matches ${targets.length} targets; ${most} are allowed in one task`;
  throw new MoltError('MOLT_TOO_MANY_TARGETS', message, { places: [{ path: '/on', message }] });
}

/** Refuses before anything is recorded when it is already known that the bus cannot take it. */
function assertBusTakes(bus: Bus): void {
  const state = bus.state();
  if (state === 'blocked')
    throw new MoltError('MOLT_BUS_FULL', 'the broker is out of memory or disk and takes no messages');
  if (state !== 'ready') throw new MoltError('MOLT_BUS_DOWN', 'the message broker is not connected');
}

const idempotencyOf = ({ idempotencyKey, principal, request }: Submission) =>
  idempotencyKey === undefined
    ? undefined
    : {
        key: `${principal.id}:${idempotencyKey}`,
        requestHash: createHash('sha256').update(canonicalJson(request)).digest('hex'),
      };

const idempotencyConflict = (taskId: string): MoltError =>
  new MoltError('MOLT_IDEMPOTENCY_CONFLICT', `the key belongs to task ${taskId}, whose request was another`, {
    details: { taskId },
  });

const refusals: Readonly<Record<Exclude<PublishOutcome, 'ok'>, readonly [ErrorCode, string]>> = {
  nacked: ['MOLT_BUS_FULL', 'the queue takes no more runs'],
  unroutable: ['MOLT_NO_EXECUTOR', 'no queue leads to the pool'],
  unknown: ['MOLT_BUS_DOWN', 'the broker did not confirm the task'],
};

/** Takes the task back, so that the refusal is true: nothing of it runs. Stands by it when a run was claimed meanwhile. */
async function withdraw(
  { store, log }: IntakeDeps,
  takeBack: TakeBack,
  { task, orders, outcome }: { task: Task; orders: readonly RunOrder[]; outcome: Exclude<PublishOutcome, 'ok'> },
): Promise<void> {
  const [code, why] = refusals[outcome];
  const pools = [...new Set(orders.map((order) => queueOf(order).pool))].join(', ');
  const error = new MoltError(code, `${why} (pool ${pools})`, { details: { taskId: task.id } });
  const { message, remedy } = error;
  const result = await store.withdrawTask(task.principal.tenant, task.id, { code, message, remedy }).catch(() => {
    takeBack.add(task, error);
    throw error;
  });
  log.warn({ task: task.id, tenant: task.principal.tenant, outcome, result }, 'the bus did not take the whole task');
  if (result === 'withdrawn') throw error;
}

async function cancel({ store, bus, log }: IntakeDeps, tenant: string, taskId: string): Promise<CancelOutcome> {
  const outcome = await store.requestCancel(tenant, taskId);
  if (outcome.kind === 'requested' && outcome.leased > 0) {
    // Only makes it quick: the workers learn of it with the renewal of their leases as well.
    await bus.broadcast(envelope('cancel', { tenant, trace: taskId, body: { taskId } }));
  }
  log.info({ task: taskId, tenant, outcome: outcome.kind }, 'cancel asked for');
  return outcome;
}

async function counted(
  submissions: Counter,
  submission: Submission,
  submit: (submission: Submission) => Promise<Submitted>,
): Promise<Submitted> {
  const { tenant } = submission.principal;
  try {
    const submitted = await submit(submission);
    submissions.inc({ tenant, outcome: submitted.created ? 'accepted' : 'replayed' });
    return submitted;
  } catch (error) {
    submissions.inc({ tenant, outcome: error instanceof MoltError ? error.code : 'error' });
    throw error;
  }
}
