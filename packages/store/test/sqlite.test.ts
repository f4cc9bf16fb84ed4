import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId, silentLogger } from '@moltbot/shared';
import { afterAll, describe, expect, it } from 'vitest';
import { createSqliteStore, type SqliteStore } from '../src/index.ts';
import { storeConformance } from './conformance.ts';
import { claimOf, first, newTask } from './fixtures.ts';

const directory = mkdtempSync(join(tmpdir(), 'moltbot-sqlite-'));
afterAll(() => rmSync(directory, { recursive: true }));
const retention = { tasksMs: 604_800_000, outputMs: 604_800_000 };

storeConformance('the SQLite store', (kept, lostAfterMs) =>
  createSqliteStore({
    file: join(directory, `${newId()}.db`),
    retention: kept,
    log: silentLogger,
    lostAfterMs,
  }),
);

describe('the journal of the embedded bus', () => {
  const opened = async (file = join(directory, `${newId()}.db`)): Promise<SqliteStore> => {
    const store = createSqliteStore({ file, retention, log: silentLogger });
    await store.start();
    return store;
  };
  const entry = (queue: string, messageId: string, notBefore = 0) => ({
    queue,
    messageId,
    bytes: Buffer.from([0, 255, 1]),
    notBefore,
  });

  it('keeps messages in order of arrival, queue by queue, over a restart', async () => {
    const file = join(directory, `${newId()}.db`);
    const store = await opened(file);
    const seqs = await Promise.all(['a', 'b', 'c'].map((id) => store.journal.append(entry('q', id))));
    await store.journal.append({ ...entry('other', 'd', 5), reason: 'why' });
    expect(seqs).toEqual([...seqs].sort((x, y) => x - y));
    await store.stop();
    const again = await opened(file);
    const messages = await again.journal.read('q', 0, 10);
    expect(messages).toEqual(
      ['a', 'b', 'c'].map((messageId, index) => ({
        ...entry('q', messageId),
        seq: seqs[index],
        deliveries: 0,
        reason: undefined,
      })),
    );
    expect(await again.journal.read('q', seqs[0] ?? 0, 1)).toMatchObject([{ messageId: 'b' }]);
    expect(await again.journal.read('other', 0, 10)).toMatchObject([{ notBefore: 5, reason: 'why' }]);
    expect(await again.journal.count('q')).toBe(3);
    expect(await again.journal.count('none')).toBe(0);
    await again.stop();
  });

  it('counts deliveries, moves and removes', async () => {
    const store = await opened();
    const { journal } = store;
    const seq = await journal.append(entry('q', 'a'));
    await journal.delivered(seq);
    await journal.delivered(seq);
    expect(await journal.read('q', 0, 10)).toMatchObject([{ deliveries: 2 }]);
    await journal.move(seq, { queue: 'dead', notBefore: 7, reason: 'delivery_limit' });
    expect(await journal.read('q', 0, 10)).toEqual([]);
    expect(await journal.read('dead', 0, 10)).toMatchObject([
      { seq, messageId: 'a', deliveries: 0, notBefore: 7, reason: 'delivery_limit' },
    ]);
    await journal.remove(seq);
    expect(await journal.count('dead')).toBe(0);
    const next = await journal.append(entry('q', 'b'));
    expect(next).toBeGreaterThan(seq);
    await store.stop();
  });
});

describe('the clock of the SQLite store', () => {
  it('decides leases', async () => {
    let now = 1_790_000_000_000;
    const clock = { now: () => now, monotonic: () => now, sleep: async () => {} };
    const store = createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
    await store.start();
    const order = first(newTask().orders);
    await store.claimRun(claimOf(order, { leaseMs: 1_000 }));
    const other = claimOf(order, { worker: 'w2' });
    now += 999;
    expect(await store.claimRun(other)).toEqual({
      verdict: 'busy',
      retryAfterMs: 1,
      cancelRequested: false,
      runningMs: 0,
    });
    now += 1;
    expect(await store.claimRun(other)).toMatchObject({ verdict: 'run', attempt: 2 });
    await store.stop();
  });
});
