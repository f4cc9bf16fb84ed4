import { publishReply } from '@moltbot/intake';
import { MoltError, silentLogger, systemClock, type TaskRecord } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { createChannelLanes } from '../src/posts/channel-lanes.ts';
import type { Post } from '../src/posts/post.ts';
import { createPosts } from '../src/posts/posts.ts';
import {
  type ChatLab,
  createFakeAnswer,
  createLogbook,
  nextId,
  openChatLab,
  place,
  saidBy,
  soon,
  until,
} from './chat-lab.ts';

const down = () => new MoltError('MOLT_CHAT_DOWN', 'bad gateway');
const postsOf = ({ store, platform }: ChatLab, log = silentLogger) =>
  createPosts({ store, platform, tenants: ['acme'], log });
const words = (id: string, text: string, more: Partial<Post> = {}): Post => ({
  ...{ id, tenant: 'acme', place, language: 'en', createdAt: Date.now(), messages: [], files: 0 },
  subject: { kind: 'words', message: { tone: 'neutral', text: [text] } },
  ...more,
});

test('whoever asks for a turn after the end is told so, however many do', async () => {
  const over = new AbortController();
  const lanes = createChannelLanes({
    limits: { channel: { calls: 5, perMs: 1_000, reserve: 1 } },
    ...{ clock: systemClock, signal: over.signal },
  });
  over.abort(new Error('over'));
  const turns = Array.from({ length: 3 }, () => lanes.turn('c', 'final', async () => 'said'));
  const settled = await Promise.race([Promise.allSettled(turns), systemClock.sleep(1_000)]);
  expect(settled?.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
});

test('a term ends though answers of one channel look at their tasks right then', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  const end = one.lead();
  for (let n = 0; n < 5; n += 1) await one.handle(saidBy('ann', `run on:web-1 -- hold ${n}`));
  await until(() => lab.said().length === 5);
  const looks = Promise.withResolvers<void>();
  let waiting = 0;
  lab.onStore = (call) => {
    if (call !== 'getTask') return undefined;
    waiting += 1;
    return looks.promise;
  };
  lab.release();
  await until(() => waiting >= 5);
  const ended = end();
  looks.resolve();
  lab.onStore = () => {};
  expect(await Promise.race([ended.then(() => 'ended'), systemClock.sleep(3_000)])).toBe('ended');
  one.lead();
  await expect.poll(lab.openPosts, soon).toBe(0);
});

test('an answer that cannot be made says so, and holds up no other of its channel', async () => {
  const lab = await openChatLab();
  const posts = postsOf(lab);
  await posts.begin(words('bad', 'x', { subject: { kind: 'question', id: 'q' } }));
  await lab.store.putRecord({ tenant: 'acme', kind: 'chat.questions', id: 'q' }, '{"not":"a question"}');
  await posts.begin(words('good', 'fine'));
  (await lab.instance()).lead();
  await until(() => lab.said().some(({ text }) => text === 'fine'));
  await until(() => lab.said().some(({ text }) => text.includes('MOLT_INTERNAL')));
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.said()).toHaveLength(2);
});

test('what the adapter cannot write holds up nothing', async () => {
  const lab = await openChatLab();
  const { post } = lab.platform;
  lab.platform.post = async (where, message, options) => {
    if (JSON.stringify(message).includes('odd')) throw new TypeError('no such thing');
    return post(where, message, options);
  };
  const posts = postsOf(lab);
  await posts.begin(words('bad', 'odd'));
  await posts.begin(words('good', 'fine'));
  (await lab.instance()).lead();
  await until(() => lab.said()[0]?.text === 'fine');
  await until(() => lab.said()[1]?.text.includes('MOLT_INTERNAL'));
  await expect.poll(lab.openPosts, soon).toBe(0);
});

test('a keeper that was frozen before an edit puts nothing older over what another has shown', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  const endOne = one.lead();
  await one.handle(saidBy('ann', 'run on:web-1 -- hold'));
  await until(() => lab.said().length === 1 && lab.ran.length === 1);
  const isThere = Promise.withResolvers<void>();
  const thawed = Promise.withResolvers<void>();
  let isFirst = true;
  lab.platform.fault = (call, when) => {
    if (call !== 'edit' || when !== 'before' || !isFirst) return undefined;
    isFirst = false;
    isThere.resolve();
    return thawed.promise;
  };
  // One is about to say that it is being cancelled.
  await one.chat.handle(saidBy('ann', `cancel ${lab.ran[0]?.taskId}`, { answer: createFakeAnswer() }));
  await isThere.promise;
  const two = await lab.instance();
  two.lead();
  lab.release();
  await expect.poll(lab.openPosts, soon).toBe(0);
  const ended = lab.said()[0]?.message.versions.at(-1);
  thawed.resolve();
  await endOne();
  await expect.poll(() => lab.said()[0]?.message.versions.at(-1), soon).toEqual(ended);
  expect(lab.said()).toHaveLength(1);
});

test('a keeper that was frozen before its post makes no second message, though the platform has forgotten the first', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  const [noted, thawed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  lab.onStore = (call, [, value]) => {
    if (call !== 'putRecord' || !String(value).includes('"making":0')) return undefined;
    lab.onStore = () => {};
    return () => {
      noted.resolve();
      return thawed.promise.then(() => lab.clock.advance(600_000));
    };
  };
  await postsOf(lab).begin(words('a', 'once'));
  const end = one.lead();
  await noted.promise;
  (await lab.instance()).lead();
  await until(() => lab.said().length === 1);
  await expect.poll(lab.openPosts, soon).toBe(0);
  lab.platform.forgetNonces();
  thawed.resolve();
  await systemClock.sleep(50);
  await end();
  expect(lab.said()).toHaveLength(1);
});

test('a message that was made while the store went down is one, though the platform forgets its nonce meanwhile', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await postsOf(lab).begin(words('a', 'once'));
  lab.platform.fault = (call, when) => {
    if (call === 'post' && when === 'after') lab.setStore('before');
  };
  const end = one.lead();
  await until(() => lab.said().length === 1);
  // The lease cannot be renewed.
  await end();
  lab.platform.fault = () => {};
  lab.platform.forgetNonces();
  lab.setStore('up');
  one.lead();
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.said()).toHaveLength(1);
});

test('answers stand in the order in which they were begun, also those of one millisecond', async () => {
  const lab = await openChatLab();
  const posts = postsOf(lab);
  const now = Date.now();
  const ids = ['z', 'y', 'x', 'b', 'a'];
  for (const id of ids) await posts.begin(words(id, id, { createdAt: now }));
  (await lab.instance()).lead();
  await until(() => lab.said().length === 5);
  expect(lab.said().map(({ text }) => text)).toEqual(ids);
});

test('a record that cannot be read is told of once, and hides no other', async () => {
  const { log, text } = createLogbook();
  const lab = await openChatLab({ log });
  await lab.store.putRecord({ tenant: 'acme', kind: 'chat.posts.discord.main', id: 'bad' }, '{"id":1}');
  const posts = postsOf(lab);
  (await lab.instance()).lead();
  for (let n = 0; n < 4; n += 1) {
    await posts.begin(words(`p${n}`, 'x'));
    await until(() => lab.said().length === n + 1);
  }
  expect(text().split('a post cannot be read')).toHaveLength(2);
});

test('many open answers are looked at no oftener than the store can bear, and their ends are shown at once', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- hold'));
  await until(() => lab.ran.length === 1);
  const posts = postsOf(lab);
  const hold = { kind: 'task', taskId: lab.ran[0]?.taskId ?? '' } as const;
  const messages = [{ id: 'm0', at: Date.now(), edits: 0 }];
  for (let n = 0; n < 400; n += 1) {
    await posts.begin(words(`p${n}`, 'x', { subject: hold, messages, shown: 'unsure', place: { channel: `c${n}` } }));
  }
  one.lead();
  let [looks, reads] = [0, 0];
  await until(() => lab.said().length === 401);
  await systemClock.sleep(500);
  lab.onStore = (call) => {
    if (call === 'getTask') looks += 1;
    if (call === 'listRecords') reads += 1;
  };
  const since = performance.now();
  await systemClock.sleep(2_500);
  const seconds = (performance.now() - since) / 1_000;
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(400 * seconds);
  expect(reads).toBeLessThan(24 * seconds);
  lab.release();
  await expect.poll(lab.openPosts, { ...soon, timeout: 50_000 }).toBe(0);
}, 90_000);

const recordOf = (id: string, args: unknown = { command: 'x' }): TaskRecord => ({
  task: {
    ...{ id, action: 'shell.run', args, on: 'web-1', priority: 'interactive', class: 'guarded', retries: 0 },
    limits: { connectMs: 1, idleMs: 0, totalMs: 1, queueMs: 0, deadlineMs: 0, outputBytes: 1 },
    ...{ principal: { tenant: 'acme', id: 'user:ann' }, acceptedAt: Date.now(), trace: 't', runs: 1 },
    origin: {
      ...{ kind: 'chat', platform: 'discord', account: 'main', place, event: nextId(), actor: 'ann', language: 'en' },
    },
  },
  ...{ state: 'succeeded', counts: { succeeded: 1 }, cancelRequested: false, finishedAt: Date.now() },
});
const taskId = '0198c3a1-0000-7000-8000-000000000001';

test('a reply ends the answer that stands for a task of which the store knows nothing', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await postsOf(lab).begin(words(taskId, 'x', { subject: { kind: 'task', taskId } }));
  await until(() => lab.said().length === 1);
  await publishReply(lab.bus, recordOf(taskId));
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.said()[0]?.message.versions.at(-1)?.tone).toBe('success');
  expect(lab.said()).toHaveLength(1);
});

test('a reply of any size is an answer, and one that can be none is put aside', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await publishReply(lab.bus, recordOf(taskId, { command: '\u0007'.repeat(90_000) }));
  await until(() => lab.said()[0]?.message.versions.at(-1)?.tone === 'success');
  lab.onStore = (call) => {
    if (call === 'putRecord') throw new MoltError('MOLT_BAD_REQUEST', 'never');
  };
  const dead: string[] = [];
  await lab.bus.consumeDead({ prefetch: 1 }, async (letter) => {
    dead.push(letter.reason);
    await letter.ack();
  });
  await publishReply(lab.bus, recordOf('0198c3a1-0000-7000-8000-000000000002'));
  await until(() => dead.length === 1);
  expect(dead[0]).toContain('never');
});

test('files are in memory a few at a time', async () => {
  const lab = await openChatLab({ limits: { tailCharacters: 100 } });
  const one = await lab.instance();
  await lab.link('ann');
  const channels = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'];
  for (const channel of channels)
    await one.handle(saidBy('ann', `run on:web-1 -- echo ${'x'.repeat(5_000)}`, { place: { channel } }));
  let [reads, sent] = [0, 0];
  lab.onStore = (call) => {
    if (call === 'readOutput') reads += 1;
  };
  const more = Promise.withResolvers<void>();
  lab.platform.fault = (call, when) => {
    if (call !== 'attach') return undefined;
    if (when === 'before') return more.promise;
    sent += 1;
    return undefined;
  };
  one.lead();
  await until(() => reads >= 2);
  await systemClock.sleep(300);
  expect(reads).toBe(2);
  more.resolve();
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(sent).toBe(channels.length);
});

test('a platform that answers nothing for one place does not hold up others for ever', async () => {
  const lab = await openChatLab();
  lab.platform.fault = (call, when) => {
    if (call === 'post' && when === 'before') throw down();
  };
  const posts = postsOf(lab);
  await posts.begin(words('bad', 'odd'));
  await posts.begin(words('good', 'fine'));
  const { post } = lab.platform;
  let tries = 0;
  lab.platform.post = async (where, message, options) => {
    if (JSON.stringify(message).includes('odd')) {
      tries += 1;
      throw down();
    }
    lab.platform.fault = () => {};
    return post(where, message, options);
  };
  (await lab.instance()).lead();
  await until(() => tries > 1);
  expect(lab.said()).toEqual([]);
  lab.clock.advance(900_000);
  await until(() => lab.said()[0]?.text === 'fine');
});
