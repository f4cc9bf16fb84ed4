import { silentLogger, systemClock } from '@moltbot/shared';
import { expect, onTestFinished, test } from 'vitest';
import { createLeadership } from '../src/leadership.ts';
import { createSqliteStore } from '../src/sqlite/sqlite-store.ts';
import type { Term } from '../src/term.ts';

async function openStore() {
  const store = createSqliteStore({ file: ':memory:', retention: { tasksMs: 1, outputMs: 1 }, log: silentLogger });
  await store.start();
  onTestFinished(() => store.stop());
  return store;
}

type Lease = Pick<Awaited<ReturnType<typeof openStore>>, 'acquireLease' | 'releaseLease'>;

function instance(store: Lease, leaseMs = 400) {
  const terms: Term[] = [];
  let ended = 0;
  const leadership = createLeadership({
    ...{ name: 'test', store, clock: systemClock, log: silentLogger, leaseMs },
    async lead(term) {
      terms.push(term);
      await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve()));
      ended += 1;
    },
  });
  onTestFinished(() => leadership.stop());
  return { leadership, terms, ended: () => ended };
}

const soon = { timeout: 10_000, interval: 5 } as const;

test('one leads at a time, and the next takes over at once when it stops', async () => {
  const store = await openStore();
  const [first, second] = [instance(store, 60_000), instance(store, 60_000)];
  await first.leadership.start();
  await expect.poll(() => first.terms.length, soon).toBe(1);
  await second.leadership.start();
  expect(second.leadership.isLeading()).toBe(false);
  await first.leadership.quiesce(AbortSignal.timeout(5_000));
  expect(first.ended()).toBe(1);
  await expect.poll(() => second.leadership.isLeading(), soon).toBe(true);
  expect(second.terms[0]?.epoch).toBeGreaterThan(first.terms[0]?.epoch ?? Number.NaN);
});

test('one that cannot renew its lease stops before it is over, and leads again later under another epoch', async () => {
  const store = await openStore();
  let isDown = false;
  const flaky: Lease = {
    acquireLease: (...lease) => (isDown ? Promise.reject(new Error('down')) : store.acquireLease(...lease)),
    releaseLease: (...lease) => store.releaseLease(...lease),
  };
  const only = instance(flaky);
  await only.leadership.start();
  await expect.poll(() => only.terms.length, soon).toBe(1);
  isDown = true;
  await expect.poll(() => only.ended(), soon).toBe(1);
  expect(only.leadership.isLeading()).toBe(false);
  isDown = false;
  await expect.poll(() => only.terms.length, soon).toBe(2);
  expect(only.terms[1]?.epoch).toBeGreaterThan(only.terms[0]?.epoch ?? Number.NaN);
});

test('a term is over by the clock alone, when nothing could tell it', async () => {
  const store = await openStore();
  let now = 0;
  const clock = { ...systemClock, monotonic: () => now };
  let seen: Term | undefined;
  const leadership = createLeadership({
    ...{ name: 'test', store, clock, log: silentLogger, leaseMs: 600_000 },
    async lead(term) {
      seen = term;
      await new Promise<void>((resolve) => term.signal.addEventListener('abort', () => resolve()));
    },
  });
  onTestFinished(() => leadership.stop());
  await leadership.start();
  await expect.poll(() => seen !== undefined, soon).toBe(true);
  expect(seen?.isOver()).toBe(false);
  now = 451_000;
  expect(seen?.isOver()).toBe(true);
});
