import { createRegistry, MoltError, silentLogger, systemClock } from '@moltbot/shared';
import { createSqliteStore } from '@moltbot/store';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createChannelLanes } from '../src/posts/channel-lanes.ts';
import { keepPosts } from '../src/posts/keep-posts.ts';
import type { Post } from '../src/posts/post.ts';
import { createPostMetrics } from '../src/posts/post-metrics.ts';
import { createPosts } from '../src/posts/posts.ts';
import type { Subject } from '../src/posts/subject.ts';
import { createFakePlatform, type FakePlatform } from './fake-platform.ts';

const soon = { timeout: 10_000, interval: 5 } as const;
const place = { channel: 'c1' } as const;

const postOf = (id: string, more: Partial<Post> = {}): Post => ({
  ...{ id, tenant: 'acme', place, language: 'en', createdAt: 1, messages: [], files: 0 },
  subject: { kind: 'task', taskId: id },
  ...more,
});

/** What is shown is a number that grows to 3. */
function createCounters() {
  const counts = new Map<string, number>();
  const wakes = new Map<string, () => void>();
  const subjectOf = ({ id }: Post): Subject => ({
    look: async () => {
      const count = counts.get(id) ?? 0;
      return { message: { tone: 'neutral', text: [`${id} ${count}`] }, isFinal: count >= 3 };
    },
    watch(wake) {
      wakes.set(id, wake);
      return () => wakes.delete(id);
    },
    files: async () => [async () => ({ name: 'output.txt', bytes: Buffer.from(`all of ${id}`) })],
  });
  /** It never goes back, as no task does. */
  const set = (id: string, count: number): void => {
    counts.set(id, Math.max(counts.get(id) ?? 0, count));
    wakes.get(id)?.();
  };
  return { subjectOf, set };
}

async function openLab(platform: FakePlatform = createFakePlatform()) {
  const store = createSqliteStore({
    file: ':memory:',
    retention: { tasksMs: 1e9, outputMs: 1e9, occurrencesMs: 1e9 },
    log: silentLogger,
  });
  await store.start();
  onTestFinished(() => store.stop());
  const posts = createPosts({ store, platform, tenants: ['acme'], log: silentLogger });
  const counters = createCounters();
  /** @returns how to kill it */
  const keeper = (): (() => Promise<void>) => {
    const over = new AbortController();
    const { signal } = over;
    const lanes = createChannelLanes({ limits: platform.limits, clock: systemClock, signal });
    const metrics = createPostMetrics(createRegistry('test'), platform);
    const keeping = keepPosts({
      ...{ platform, posts, lanes, metrics, clock: systemClock, log: silentLogger, signal, unnoted: new Map() },
      subjectOf: counters.subjectOf,
    });
    const stop = async (): Promise<void> => {
      over.abort();
      await keeping;
    };
    onTestFinished(stop);
    return stop;
  };
  const open = async () => (await posts.open(() => false)).length;
  const last = (index: number) => platform.messages[index]?.versions.at(-1)?.text?.[0];
  return { platform, posts, keeper, open, last, ...counters };
}

test('a post is one message that follows its subject, with the files of its end, and is done once', async () => {
  const lab = await openLab();
  lab.keeper();
  await lab.posts.begin(postOf('a', { replyTo: 'asked' }));
  await expect.poll(() => lab.last(0), soon).toBe('a 0');
  lab.set('a', 2);
  await expect.poll(() => lab.last(0), soon).toBe('a 2');
  lab.set('a', 3);
  await expect.poll(lab.open, soon).toBe(0);
  expect(lab.last(0)).toBe('a 3');
  expect(lab.platform.messages).toHaveLength(2);
  expect(lab.platform.messages[0]?.replyTo).toBe('asked');
  expect(lab.platform.messages[1]?.files[0]?.bytes.toString()).toBe('all of a');
  // A copy of its reply comes later.
  await lab.posts.begin(postOf('a'));
  expect(await lab.open()).toBe(0);
});

test('answers of a channel stand in the order in which they were begun, though the first fails for a while', async () => {
  const lab = await openLab();
  let failures = 3;
  lab.platform.fault = (call, when) => {
    if (call === 'post' && when === 'after' && failures-- > 0) throw new MoltError('MOLT_CHAT_DOWN', 'bad gateway');
  };
  for (const [index, id] of ['z', 'y', 'x'].entries()) await lab.posts.begin(postOf(id, { createdAt: index }));
  lab.keeper();
  await expect.poll(() => lab.platform.messages.length, soon).toBe(3);
  expect(lab.platform.messages.map(({ versions }) => versions[0]?.text?.[0])).toEqual(['z 0', 'y 0', 'x 0']);
});

test('a message that was deleted, or edited too often, is followed by a new one', async () => {
  const lab = await openLab(createFakePlatform({ editsPerMessage: 2 }));
  lab.keeper();
  await lab.posts.begin(postOf('a'));
  await expect.poll(() => lab.last(0), soon).toBe('a 0');
  lab.platform.deleteMessage('m1');
  lab.set('a', 1);
  await expect.poll(() => lab.last(1), soon).toBe('a 1');
  for (const count of [2, 2.5, 2.7]) {
    lab.set('a', count);
    await expect.poll(() => lab.platform.messages.at(-1)?.versions.at(-1)?.text?.[0], soon).toBe(`a ${count}`);
  }
  expect(lab.platform.messages).toHaveLength(3);
  expect(lab.platform.messages[1]?.versions).toHaveLength(3);
});

test('a refusal because of too much is obeyed, and what is shown then is the newest', async () => {
  const lab = await openLab();
  lab.keeper();
  await lab.posts.begin(postOf('a'));
  await expect.poll(() => lab.last(0), soon).toBe('a 0');
  let refusedAt = 0;
  lab.platform.fault = (call, when) => {
    if (call !== 'edit' || when !== 'before') return;
    if (refusedAt === 0) {
      refusedAt = performance.now();
      throw new MoltError('MOLT_CHAT_LIMITED', 'too much', { details: { retryAfterMs: 400 } });
    }
    expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(395);
  };
  lab.set('a', 1);
  await expect.poll(() => refusedAt, soon).toBeGreaterThan(0);
  lab.set('a', 2);
  await expect.poll(() => lab.last(0), soon).toBe('a 2');
  expect(lab.platform.messages[0]?.versions.map(({ text }) => text?.[0])).not.toContain('a 1');
});

test('what the platform never takes is let go, and holds up nothing', async () => {
  const lab = await openLab();
  lab.platform.fault = () => {
    throw new MoltError('MOLT_CHAT_REFUSED', 'no permission');
  };
  await lab.posts.begin(postOf('a'));
  lab.keeper();
  await expect.poll(lab.open, soon).toBe(0);
  lab.platform.fault = () => {};
  await lab.posts.begin(postOf('b'));
  await expect.poll(() => lab.last(0), soon).toBe('b 0');
});

test('whoever dies, each post comes to one message and one file', async () => {
  const step = fc.record({
    kill: fc.boolean(),
    fault: fc.option(fc.constantFrom('before' as const, 'after' as const), { freq: 2 }),
    count: fc.integer({ min: 0, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const lab = await openLab();
      let stop = lab.keeper();
      for (const id of ['a', 'b']) await lab.posts.begin(postOf(id));
      for (const { kill, fault, count } of steps) {
        let failsOnce = fault !== null;
        lab.platform.fault = (_call, when) => {
          if (!failsOnce || when !== fault) return;
          failsOnce = false;
          throw new MoltError('MOLT_CHAT_DOWN', 'bad gateway');
        };
        lab.set('a', count);
        await systemClock.sleep(5);
        if (!kill) continue;
        await stop();
        stop = lab.keeper();
      }
      for (const id of ['a', 'b']) lab.set(id, 3);
      await expect.poll(lab.open, soon).toBe(0);
      await stop();
      const { messages } = lab.platform;
      expect(
        messages.filter(({ files }) => files.length === 0).map(({ versions }) => versions.at(-1)?.text?.[0]),
      ).toEqual(['a 3', 'b 3']);
      expect(messages.flatMap(({ files }) => files.map(({ bytes }) => bytes.toString())).toSorted()).toEqual([
        'all of a',
        'all of b',
      ]);
    }),
    { numRuns: 15 },
  );
}, 60_000);
