import { execFileSync } from 'node:child_process';
import { type Logger, Secret, silentLogger } from '@moltbot/shared';
import { eventually, startRedis, type TestRedis } from '@moltbot/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRedisStore, type Store } from '../src/index.ts';
import { answered, claimOf, done, error, first, late, newTask, orderOf, stdout } from './fixtures.ts';

const retention = { tasksMs: 604_800_000, outputMs: 604_800_000 };
const storeDown = { code: 'MOLT_STORE_DOWN' };

let redis: TestRedis;
let store: Store;
const open = (url = redis.url, log: Logger = silentLogger): Store =>
  createRedisStore({ url: new Secret(url), retention, log, lostAfterMs: 0 });
const healthy = (): Promise<unknown> => eventually('the store is there again', () => store.health().ok);

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  store = open();
  await store.start();
});
afterEach(async () => {
  await redis.resume();
  await store.stop();
});

/** Every call is refused within the second that the port promises, on a machine that may be busy. */
async function refusesSoon(): Promise<void> {
  const task = newTask();
  const calls = [
    () => store.acceptTask(task),
    () => store.getTask('acme', task.task.id),
    () => store.claimRun(claimOf(first(task.orders))),
    () => store.readOutput('acme', first(task.orders).runId, 'stdout', 0, 1),
    () => store.listTasks('acme', { limit: 1 }),
    () => store.acquireLease('x', 'me', 1_000),
  ];
  const began = performance.now();
  for (const outcome of await Promise.allSettled(calls.map((call) => call()))) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: storeDown });
  }
  expect(performance.now() - began).toBeLessThan(5_000);
}

describe('a Redis that cannot be used', () => {
  it('that hangs: calls are refused, health is red, and all is well when it goes on', async () => {
    await redis.pause();
    await refusesSoon();
    expect(store.health()).toEqual({ ok: false, detail: 'Redis does not answer' });
    await redis.resume();
    await healthy();
    const task = newTask();
    expect(await store.acceptTask(task)).toEqual({ kind: 'new' });
  });

  it('that has answered while this process was busy counts as there', async () => {
    const asked = store.acceptTask(newTask());
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    expect(await asked).toEqual({ kind: 'new' });
    expect(store.health().ok).toBe(true);
  });

  it('that hangs shows in health without any call', async () => {
    await redis.pause();
    await eventually('health is red', () => !store.health().ok);
    await redis.resume();
    await healthy();
  });

  it('that was killed: calls are refused at once, and taken again when it is back', async () => {
    await redis.kill();
    await refusesSoon();
    expect(store.health().ok).toBe(false);
    await redis.restart();
    await healthy();
    expect(await store.acceptTask(newTask())).toEqual({ kind: 'new' });
  });

  // With everysec, Redis puts off the write itself while a sync is running: then kill -9 loses what was answered.
  it('that syncs always and was killed: nothing that was answered is lost', async () => {
    const synced = await startRedis({ args: ['--appendfsync', 'always'] });
    const kept = open(synced.url);
    await kept.start();
    const accepting = Array.from({ length: 500 }, () => newTask()).map((task) =>
      kept.acceptTask(task).then(
        () => task,
        () => undefined,
      ),
    );
    await accepting[20];
    await synced.kill();
    const answered = (await Promise.all(accepting)).filter((task) => task !== undefined);
    await synced.restart();
    await eventually('it is back', () => kept.health().ok);
    for (const { task } of answered) expect(await kept.getTask('acme', task.id)).toMatchObject({ state: 'queued' });
    expect(answered.length).toBeGreaterThan(0);
    await kept.stop();
    await synced.stop();
  });

  it('that is not there at the start: the store starts, is red, and comes by itself', async () => {
    await redis.kill();
    const late = open();
    const began = performance.now();
    await late.start();
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(late.health().ok).toBe(false);
    expect(late.health().detail).toContain('ECONNREFUSED');
    await expect(late.getTask('acme', 'x')).rejects.toMatchObject(storeDown);
    await redis.restart();
    await eventually('it is there', () => late.health().ok);
    expect(await late.countApiKeys('acme')).toBe(0);
    await late.stop();
    await healthy();
  });

  it('can be left while it hangs', async () => {
    const other = open();
    await other.start();
    await redis.pause();
    await other.stop();
    await expect(other.getTask('acme', 'x')).rejects.toMatchObject(storeDown);
  });

  it('that wants another password: the reason is said, the password is not', async () => {
    const guarded = await startRedis({ password: 'right-one' });
    const right = open(guarded.url);
    await right.start();
    expect(await right.countApiKeys('acme')).toBe(0);
    await right.stop();
    const lines: string[] = [];
    const write = (fields: object, message: string): void => {
      lines.push(message, JSON.stringify(fields), 'err' in fields ? String(fields.err) : '');
    };
    const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log };
    const wrong = open(guarded.url.replace('right-one', 'wrong-one'), log);
    await wrong.start();
    const refused = await wrong.getTask('acme', 'x').catch((error: unknown) => error);
    expect(refused).toMatchObject(storeDown);
    expect(String(refused)).toContain('WRONGPASS');
    expect(wrong.health().detail).toContain('WRONGPASS');
    expect(lines.join()).toContain('WRONGPASS');
    expect(lines.join() + String(refused)).not.toContain('wrong-one');
    await wrong.stop();
    await guarded.stop();
  });

  it('that is full says so, and goes on when there is room', async () => {
    const small = await startRedis({ args: ['--maxmemory', '2mb', '--maxmemory-policy', 'noeviction'] });
    const filled = open(small.url);
    await filled.start();
    const task = newTask();
    await filled.acceptTask(task);
    const claimed = await filled.claimRun(claimOf(first(task.orders)));
    if (claimed.verdict !== 'run') throw new Error(claimed.verdict);
    await filled.startRun(claimed.token);
    const chunk = { stream: 'stdout', data: Buffer.alloc(500_000) } as const;
    const fill = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) await filled.appendOutput(claimed.token, n * 500_000, [chunk]);
    };
    await expect(fill()).rejects.toMatchObject({ ...storeDown, message: expect.stringContaining('OOM') });
    await filled.stop();
    await small.stop();
  });
});

describe('a primary that became a replica', () => {
  const replicaOf = (...args: readonly string[]): void => {
    execFileSync('redis-cli', ['-p', String(redis.port), 'replicaof', ...args]);
  };

  it('refuses writes with the reason, and is written to when it is a primary again', async () => {
    replicaOf('127.0.0.1', String(redis.port));
    await expect(store.acceptTask(newTask())).rejects.toMatchObject({
      ...storeDown,
      message: expect.stringContaining('READONLY'),
    });
    replicaOf('no', 'one');
    const task = newTask();
    await eventually('it takes tasks', () => store.acceptTask(task));
    expect(await store.getTask('acme', task.task.id)).toMatchObject({ state: 'queued' });
  });
});

describe('watching', () => {
  it('goes on after the connection broke, and wakes for what was missed', async () => {
    const task = newTask();
    await store.acceptTask(task);
    let woken = 0;
    const end = store.watchTask('acme', task.task.id, () => {
      woken += 1;
    });
    await eventually('the subscription stands', () => woken > 0);
    const before = woken;
    await redis.restart();
    await healthy();
    await eventually('a wake after the reconnect', () => woken > before);
    const again = woken;
    await store.claimRun(claimOf(first(task.orders)));
    await eventually('a wake for the claim', () => woken > again);
    end();
  });

  it('may begin while Redis is away', async () => {
    const task = newTask();
    await redis.kill();
    await eventually('the store is red', () => !store.health().ok);
    let woken = 0;
    const end = store.watchTask('acme', task.task.id, () => {
      woken += 1;
    });
    await redis.restart();
    await eventually('it wakes', () => woken > 0);
    end();
  });
});

describe('a run whose record may have been lost with unsynced writes', () => {
  const longAgo = Date.now() - 600_000;
  const later = (): number => Date.now() + 60_000;

  it('is lost when its message was delivered before this server began', async () => {
    const missing = first(newTask().orders);
    const queued = newTask();
    await store.acceptTask(queued);
    const claimed = newTask();
    await store.acceptTask(claimed);
    await store.claimRun(claimOf(first(claimed.orders), { leaseMs: 1 }));
    await eventually('the lease is over', async () => {
      const busy = await store.claimRun(claimOf(first(claimed.orders), { worker: 'w2', leaseMs: 1 }));
      return busy.verdict === 'run';
    });
    for (const order of [missing, first(queued.orders), first(claimed.orders)]) {
      const again = claimOf(order, { redelivered: true, publishedAt: longAgo });
      const lost = await eventually('it is lost', async () => {
        const claim = await store.claimRun(again);
        return claim.verdict === 'lost' ? claim : undefined;
      });
      expect(await store.startRun(lost.token)).toBe('illegal');
      await store.renewLeases([lost.token], -1);
      // Not redelivered any more, and still not taken for new.
      expect(await store.claimRun(claimOf(order))).toMatchObject({ verdict: 'lost' });
      const [record] = (await store.getRuns('acme', order.task.id)).filter(({ id }) => id === order.runId);
      expect(record).toMatchObject({ state: 'running' });
    }
  });

  it('is run when its message is new, or younger than the server', async () => {
    const fresh = first(newTask().orders);
    expect(await store.claimRun(claimOf(fresh, { publishedAt: longAgo }))).toMatchObject({ verdict: 'run' });
    const young = newTask();
    await store.acceptTask(young);
    const request = claimOf(first(young.orders), { redelivered: true, publishedAt: later() });
    expect(await store.claimRun(request)).toMatchObject({ verdict: 'run', attempt: 1 });
  });

  it('is an attempt with nothing stored when the store was emptied', async () => {
    const { task } = newTask({ ...answered, ...late(), runs: 2 });
    const [order, other] = [orderOf(task, 0), orderOf(task, 1)];
    await store.acceptTask({ task, orders: [order, other] });
    const request = claimOf(order, { start: true });
    const before = await store.claimRun(request);
    if (before.verdict !== 'run') throw new Error(before.verdict);
    await store.appendOutput(before.token, 0, [stdout('gone')]);
    await redis.restartEmpty();
    await healthy();
    const none = { stdout: 0, stderr: 0 };
    const again = { ...request, redelivered: true, publishedAt: longAgo };
    const lost = await store.claimRun(again);
    if (lost.verdict !== 'lost') throw new Error(lost.verdict);
    expect(lost).toMatchObject({ attempt: 1, stored: none, ofAttempt: none, cancelRequested: false });
    expect(await store.claimRun(again)).toEqual(lost);
    expect(await store.retryRun(before.token, { error, delayMs: 0 })).toBe('fenced');
    expect(await store.releaseRun(before.token)).toBe('fenced');
    expect(await store.finishRun(lost.token, done)).toBe('ok');
    // Its other run never came back: the task still ends, and is answered.
    expect(await store.expireQueued('acme', 10)).toBe(1);
    expect(await store.getTask('acme', task.id)).toMatchObject({
      state: 'unknown',
      counts: { succeeded: 1, unknown: 1 },
    });
    expect((await store.listUnanswered('acme', 0, 10)).map((record) => record.task.id)).toEqual([task.id]);
  });

  it('answers a repeated claim as before when the server came back with its record', async () => {
    const synced = await startRedis({ args: ['--appendfsync', 'always'] });
    const kept = open(synced.url);
    await kept.start();
    const request = claimOf(first(newTask().orders), { start: true });
    const answer = await kept.claimRun(request);
    await synced.restart();
    const again = { ...request, redelivered: true, publishedAt: longAgo };
    expect(await eventually('it answers', () => kept.claimRun(again))).toEqual(answer);
    await kept.stop();
    await synced.stop();
  });

  it('makes the records of a store that was emptied again, and ends the run', async () => {
    const { task } = newTask();
    const order = orderOf(task, 0);
    await store.acceptTask({ task, orders: [order] });
    const before = await store.claimRun(claimOf(order));
    if (before.verdict !== 'run') throw new Error(before.verdict);
    await store.startRun(before.token);
    await redis.restartEmpty();
    await healthy();
    expect(await store.finishRun(before.token, done)).toBe('fenced');
    const lost = await store.claimRun(claimOf(order, { redelivered: true, publishedAt: longAgo, worker: 'w2' }));
    if (lost.verdict !== 'lost') throw new Error(lost.verdict);
    expect(await store.finishRun(before.token, done)).toBe('fenced');
    expect(await store.finishRun(lost.token, { state: 'unknown' }, { at: 3, chunks: [stdout('x')] })).toBe('ok');
    expect(await store.getTask('acme', task.id)).toMatchObject({ task, state: 'unknown', counts: { unknown: 1 } });
    expect(await store.expire()).toBe(0);
    expect((await store.listTasks('acme', { limit: 1 })).tasks).toHaveLength(1);
  });
});
