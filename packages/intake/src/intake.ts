import { createHash } from 'node:crypto';
import type { Bus } from '@moltbot/bus';
import type { PluginHost } from '@moltbot/plugin-host';
import type { AnyAction } from '@moltbot/plugin-sdk';
import {
  type Clock,
  type Config,
  type Counter,
  counter,
  type Logger,
  MoltError,
  nearest,
  type Principal,
  type Registry,
  type Target,
} from '@moltbot/shared';
import type { NewTask, Store } from '@moltbot/store';
import { acceptTask, acceptUnderKey } from './accept-task.ts';
import { createAdmission } from './admit.ts';
import { createAuthenticator } from './authenticate.ts';
import { cancelTask } from './cancel-task.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Intake, Submission, Submitted } from './port.ts';
import { replyQueues } from './publish-reply.ts';
import { createPublishedMarks } from './published-marks.ts';
import { checkedArguments, type OrderDefaults, type Orders, requestToOrders } from './request-to-orders.ts';
import { type RunToRerun, resolveRun } from './resolve-run.ts';
import { classOfAction } from './run-class.ts';
import { runToRerun } from './run-to-rerun.ts';
import { selectTargets } from './selector/select.ts';
import { createTakeBack } from './take-back.ts';

export interface IntakeDeps {
  readonly config: Pick<Config, 'tenants' | 'targets' | 'limits' | 'executor' | 'guard' | 'callbacks'>;
  readonly bus: Bus;
  readonly store: Store;
  readonly plugins: PluginHost;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The one door, over any bus and store. */
export function createIntake(deps: IntakeDeps): Intake {
  const { config, bus, store, plugins, clock, log } = deps;
  const byTenant = Map.groupBy(config.targets, ({ tenant }) => tenant);
  const inventory = new Map([...byTenant].map(([tenant, found]) => [tenant, found.map(withoutTenant)]));
  const marks = createPublishedMarks(store);
  const takeBack = createTakeBack({ store, clock, log });
  const authenticate = createAuthenticator({ tenants: config.tenants, store, monotonic: clock.monotonic });
  const admit = createAdmission({ requests: config.limits.requests, store, monotonic: clock.monotonic });
  const submissions = counter(deps.registry, {
    name: 'moltbot_intake_submissions_total',
    help: 'Submissions at the door, by what became of them.',
    labelNames: ['tenant', 'outcome'],
  });

  const targetsOf = ({ tenant }: Principal): readonly Target[] => inventory.get(tenant) ?? [];
  const acceptAs =
    (persists: boolean) =>
    (wanted: NewTask): Promise<Submitted | 'taken'> =>
      acceptTask({ bus, store, marks, takeBack, clock, log }, wanted, persists);

  const submit = async (submission: Submission): Promise<Submitted> => {
    const { request, principal } = submission;
    const action = findAction(plugins, request.action);
    const targets = selectTargets(request.on, targetsOf(principal));
    assertNotTooMany(targets, config.limits.targetsPerTask, request.on);
    const ordersUnder = (id: string | undefined): Orders =>
      requestToOrders({ ...submission, id }, { action, targets }, { ...orderDefaults(config), now: clock.now });
    return acceptUnderKey(acceptAs(submission.persists ?? false), idempotencyOf(submission), ordersUnder);
  };

  const rerun = async (
    principal: Principal,
    { runId, task, targetName }: RunToRerun,
    why: string,
  ): Promise<Submitted> => {
    const target = targetsOf(principal).find(({ name }) => name === targetName);
    if (!target) throw new MoltError('MOLT_NO_TARGETS', `there is no target "${targetName}" any more`);
    const action = findAction(plugins, task.action);
    // One for all who may ask: a run is done again once.
    const idempotency = { tenant: principal.tenant, key: `rerun:${runId}`, requestHash: 'rerun' };
    const submitted = await acceptUnderKey(acceptAs(false), idempotency, (id) =>
      runToRerun({ task, target, action, id }, principal, clock.now()),
    );
    log.info(
      { principal: principal.id, tenant: principal.tenant, run: runId, newTask: submitted.taskId, why },
      'rerun',
    );
    return submitted;
  };
  const countedRerun = async (principal: Principal, run: RunToRerun, why: string): Promise<string> =>
    (await counted(submissions, principal.tenant, () => rerun(principal, run, why))).taskId;
  const cancel: Intake['cancel'] = (principal, taskId) => cancelTask({ bus, store, log }, principal, taskId);

  return {
    name: 'intake',
    authenticate,
    admit,
    submit: (submission) => counted(submissions, submission.principal.tenant, () => submit(submission)),
    find: ({ tenant, id }, key) => store.taskUnder(tenant, keyOf(id, key)),
    rerun: async (principal, { runId, task, target }, why) => ({
      taskId: await countedRerun(principal, { runId, task, targetName: target.name }, why),
    }),
    resolve: (principal, run) =>
      resolveRun({ store, log, now: clock.now, rerun: countedRerun, cancel }, principal, run),
    cancel,
    check({ action: name, args }) {
      const action = findAction(plugins, name);
      checkedArguments(action, args);
      return classOfAction(action);
    },
    targets: (principal, selector) => (selector ? selectTargets(selector, targetsOf(principal)) : targetsOf(principal)),
    actions: (): readonly AnyAction[] => plugins.actions,
    async start() {
      await declareQueues(bus, config);
    },
    quiesce: () => marks.flush(),
    async stop() {
      await takeBack.stop();
      await marks.flush();
    },
    health: () => (bus.state() === 'ready' ? store.health() : { ok: false, detail: `bus: ${bus.state()}` }),
  };
}

const withoutTenant = ({ tenant: _tenant, ...target }: Config['targets'][number]): Target => target;

const orderDefaults = ({ executor, guard, callbacks }: IntakeDeps['config']): Omit<OrderDefaults, 'now'> => ({
  limits: { ...executor.timeouts, outputBytes: executor.outputCapBytes },
  guardRetentionMs: guard.retentionMs,
  callbacks,
});

/** Publishing needs the queues before any executor, or any ingress, has come up. */
async function declareQueues(bus: Bus, config: IntakeDeps['config']): Promise<void> {
  const places = new Set(config.targets.map(({ tenant, pool }) => JSON.stringify([tenant, pool])));
  const pairs = [...places].map((place) => JSON.parse(place) as [string, string]);
  const queues = pairs.flatMap(([tenant, pool]) =>
    (['interactive', 'batch'] as const).map((priority) => ({ kind: 'runs', tenant, pool, priority }) as const),
  );
  await Promise.all([...queues, ...replyQueues].map((queue) => bus.declare(queue)));
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

/** Keys of one principal are not those of another. */
const keyOf = (principalId: string, key: string): string => `${principalId}:${key}`;

const idempotencyOf = ({ idempotencyKey, principal, request }: Submission) =>
  idempotencyKey === undefined
    ? undefined
    : {
        tenant: principal.tenant,
        key: keyOf(principal.id, idempotencyKey),
        requestHash: createHash('sha256').update(canonicalJson(request)).digest('hex'),
      };

async function counted(submissions: Counter, tenant: string, submit: () => Promise<Submitted>): Promise<Submitted> {
  try {
    const submitted = await submit();
    submissions.inc({ tenant, outcome: submitted.created ? 'accepted' : 'replayed' });
    return submitted;
  } catch (error) {
    submissions.inc({ tenant, outcome: error instanceof MoltError ? error.code : 'error' });
    throw error;
  }
}
