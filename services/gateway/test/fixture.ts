import { createHash } from 'node:crypto';
import { createChatDesk } from '@moltbot/chat';
import type { Intake, Submission } from '@moltbot/intake';
import { createScheduleDesk } from '@moltbot/schedules';
import {
  type Clock,
  createRegistry,
  type GatewayConfig,
  type Logger,
  MoltError,
  newId,
  type Principal,
  type Registry,
  type RunOrder,
  type RunOutcome,
  runIdOf,
  type Service,
  type ServiceHealth,
  type SshTarget,
  silentLogger,
  systemClock,
  type Task,
} from '@moltbot/shared';
import { createSqliteStore, type OutputStream, type RunToken, type SqliteStore } from '@moltbot/store';
import { z } from 'zod';
import type { TaskReader } from '../src/context.ts';
import { createGateway, type Gateway } from '../src/gateway.ts';
import { checkDocumented, documentOf } from './openapi-check.ts';

export const goodKey = 'Bearer good';
export const otherKey = 'Bearer other';

export interface FixtureOptions {
  readonly config?: Partial<GatewayConfig>;
  readonly log?: Logger;
  readonly intake?: Partial<Omit<Intake, keyof Service | 'find'>>;
  /** Wraps what the gateway reads from. */
  readonly reader?: (store: SqliteStore) => TaskReader;
  readonly ready?: () => ServiceHealth;
  readonly clock?: Clock;
}

export interface Fixture extends AsyncDisposable {
  readonly url: string;
  readonly gateway: Gateway;
  readonly store: SqliteStore;
  readonly registry: Registry;
  /** Submissions the intake was given. */
  readonly submissions: Submission[];
  /** A request with the good key unless headers say otherwise; its answer is held against the OpenAPI document. */
  call(path: string, init?: CallInit): Promise<Response>;
  post(body: unknown, query?: string, headers?: Record<string, string>): Promise<Response>;
  /** Submits over HTTP; resolves with the id. `on` lists names, or says `256 hosts`. */
  task(on?: string): Promise<string>;
  /** What an executor does with one run. */
  run(taskId: string, index?: number): Promise<RunDriver>;
}

export interface CallInit {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface RunDriver {
  readonly token: RunToken;
  append(stream: OutputStream, data: string | Buffer): Promise<void>;
  finish(outcome?: RunOutcome): Promise<void>;
  /** Gives it back, for another attempt in a minute. */
  retry(): Promise<void>;
}

const sshTarget = (name: string): SshTarget => ({
  ...{ name, labels: { env: 'test' }, pool: 'default', transport: 'ssh' },
  ...{ host: '127.0.0.1', port: 22, user: 'root', identity: 'secret-identity' },
});

/** A gateway on a free port over a real store in memory, and an intake that accepts into that store. */
export async function createFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createSqliteStore({ file: ':memory:', retention, log: silentLogger });
  await store.start();
  const registry = createRegistry('gateway');
  const orders = new Map<string, readonly RunOrder[]>();
  const submissions: Submission[] = [];
  const intake = { ...createIntakeDouble(store, orders, submissions), ...options.intake };
  const gateway = createGateway({
    config: { host: '127.0.0.1', port: 0, bodyLimitBytes: 1_048_576, maxWaitMs: 60_000, ...options.config },
    botName: 'Testbot',
    intake,
    schedules: createScheduleDesk({
      ...{ store, intake, calendars: new Map(), clock: options.clock ?? systemClock, log: silentLogger },
      channels: { 'ops-mail': { tenant: 'acme' }, theirs: { tenant: 'globex' } },
    }),
    deadLetters: { list: async () => ({ letters: [] }), get: unasked, replay: unasked, drop: unasked },
    chat: createChatDesk({ store, clock: systemClock, log: silentLogger }),
    notifications: { list: async () => ({ notifications: [] }), test: unasked },
    store: options.reader?.(store) ?? store,
    registry,
    ready: options.ready ?? (() => ({ ok: true })),
    log: options.log ?? silentLogger,
    clock: options.clock ?? systemClock,
  });
  await gateway.start();
  const url = `http://127.0.0.1:${gateway.port()}`;
  await documentOf(url);
  const call: Fixture['call'] = async (path, init = {}) => {
    const response = await fetch(url + path, { ...init, headers: { authorization: goodKey, ...init.headers } });
    await checkDocumented(url, init.method ?? 'GET', path, response);
    return response;
  };
  const post: Fixture['post'] = (body, query = '', headers = {}) =>
    call(`/v1/tasks${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    ...{ url, gateway, store, registry, submissions, call, post },
    async task(on = 'web-1') {
      const response = await post({ action: 'shell.run', args: { command: 'true' }, on });
      return z.object({ id: z.string() }).parse(await response.json()).id;
    },
    run: (taskId, index = 0) => driveRun(store, orders.get(taskId)?.[index]),
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await store.stop();
    },
  };
}

const unasked = (): Promise<never> => Promise.reject(new Error('nobody asks for this here'));

function createIntakeDouble(
  store: SqliteStore,
  known: Map<string, readonly RunOrder[]>,
  submissions: Submission[],
): Omit<Intake, keyof Service | 'find'> {
  return {
    async authenticate(authorization): Promise<Principal> {
      if (authorization === undefined) throw new MoltError('MOLT_KEY_MISSING', 'there is no Authorization header');
      if (authorization === goodKey) return { tenant: 'acme', id: 'key:1' };
      if (authorization === otherKey) return { tenant: 'other', id: 'key:2' };
      throw new MoltError('MOLT_KEY_WRONG', 'the key is not known');
    },
    admit: async () => ({ allowed: true, remaining: 41.5, retryAfterMs: 0, resetMs: 1_500 }),
    check: () => 'guarded',
    async submit(submission) {
      submissions.push(submission);
      const orders = toOrders(submission);
      const [first] = orders;
      if (!first) throw new MoltError('MOLT_NO_TARGETS', 'no target');
      const requestHash = createHash('sha256').update(JSON.stringify(submission.request)).digest('hex');
      const { idempotencyKey } = submission;
      const idempotency = idempotencyKey === undefined ? undefined : { key: idempotencyKey, requestHash };
      const outcome = await store.acceptTask({ task: first.task, orders, idempotency });
      if (outcome.kind === 'conflict') throw new MoltError('MOLT_IDEMPOTENCY_CONFLICT', 'the key was used before');
      if (outcome.kind === 'same') return { taskId: outcome.taskId, created: false };
      known.set(first.task.id, orders);
      return { taskId: first.task.id, created: true, task: first.task };
    },
    cancel: ({ tenant }, taskId) => store.requestCancel(tenant, taskId),
    rerun: unasked,
    async resolve({ tenant, id: by }, { taskId, index, as, note }) {
      const runId = runIdOf(taskId, index);
      const again = as === 'rerun' ? { taskId: newId() } : {};
      const outcome = await store.resolveRun(tenant, runId, { as, by, at: Date.now(), note, ...again });
      if (outcome === 'absent') throw new MoltError('MOLT_NOT_FOUND', 'there is no such run');
      if (outcome === 'closed') throw new MoltError('MOLT_NOT_UNKNOWN', 'the run is not open');
      return { runId, as, ...again };
    },
    targets(_principal, selector) {
      if (selector === 'nothing') throw new MoltError('MOLT_NO_TARGETS', 'no target matches');
      return [sshTarget('web-1'), { name: 'here', labels: {}, pool: 'default', transport: 'local' }];
    },
    actions: () => [
      {
        name: 'shell.run',
        summary: 'Runs a command.',
        args: z.object({ command: z.string() }),
        data: z.object({ load: z.number().describe('Of the last minute.') }),
        run: async () => ({ exitCode: 0 }),
      },
    ],
  };
}

function toOrders({ principal, origin, request, trace }: Submission): RunOrder[] {
  const [, many] = /^(\d+) hosts$/.exec(request.on) ?? [];
  const names = many ? Array.from({ length: Number(many) }, (_, at) => `web-${at}`) : request.on.split(' ');
  const id = newId();
  const task: Task = {
    ...{ id, action: request.action, args: request.args, on: request.on, priority: request.priority },
    ...{ principal, acceptedAt: Date.now(), trace: trace ?? 'made-up', runs: names.length },
    ...{ class: request.class ?? 'guarded', retries: 0, origin: { ...origin, callback: request.callback } },
    limits: { connectMs: 1_000, idleMs: 0, totalMs: 60_000, queueMs: 0, deadlineMs: 0, outputBytes: 1_000_000_000 },
  };
  return names.map((name, index) => ({ runId: runIdOf(id, index), index, target: sshTarget(name), task }));
}

async function driveRun(store: SqliteStore, order: RunOrder | undefined): Promise<RunDriver> {
  if (!order) throw new Error('no such run');
  const { acceptedAt: publishedAt } = order.task;
  const lease = { worker: 'w', leaseMs: 60_000, claimId: newId() };
  const request = { order, ...lease, redelivered: false, publishedAt, start: false };
  const claim = await store.claimRun(request);
  if (claim.verdict !== 'run') throw new Error(`the claim was answered ${claim.verdict}`);
  const { token } = claim;
  if ((await store.startRun(token)) !== 'ok') throw new Error('the run did not start');
  let at = 0;
  return {
    token,
    async append(stream, text) {
      const data = Buffer.from(text);
      const outcome = await store.appendOutput(token, at, [{ stream, data }]);
      if (outcome.kind !== 'ok') throw new Error(`the append was answered ${outcome.kind}`);
      at += data.length;
    },
    async retry() {
      const error = { code: 'MOLT_SSH_LOST', message: 'm', remedy: 'r' } as const;
      if ((await store.retryRun(token, { error, delayMs: 60_000 })) !== 'ok') throw new Error('it was not given back');
    },
    async finish(outcome = { state: 'succeeded', exitCode: 0 }) {
      if ((await store.finishRun(token, outcome)) !== 'ok') throw new Error('the run did not finish');
    },
  };
}

/** For readers whose store is down. */
export const storeDown = (): Promise<never> => Promise.reject(new MoltError('MOLT_STORE_DOWN', 'the store is down'));

/** The body of a problem, and that it is one. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json'))
    throw new Error(`not a problem: ${response.status} ${await response.text()}`);
  return z.record(z.string(), z.unknown()).parse(await response.json());
}
