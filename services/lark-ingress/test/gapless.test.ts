import { MoltError } from '@moltbot/shared';
import { eventually, type TestLark } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { openStore, recordingChat, startBot, startLab } from './lab.ts';

const connected = (lark: TestLark, count = 1) =>
  eventually('the connections', () => lark.app().connections().length === count);
const acknowledged = (lark: TestLark, count: number) =>
  eventually(
    'the acknowledgements',
    () => lark.deliveries().filter(({ state }) => state === 'acknowledged').length === count,
  );

it('lets another instance deal with what one acknowledged and never dealt with', async () => {
  const lark = await startLab();
  const store = await openStore();
  // As a process that dies after it has told the platform: it never comes back from its work.
  const dying = recordingChat(() => new Promise(() => {}));
  const first = await startBot(lark, { chat: dying, store });
  await connected(lark);
  lark.user('alice').dm('uptime');
  await acknowledged(lark, 1);
  await eventually('the work', () => dying.heard.length === 1);
  const heir = recordingChat();
  await startBot(lark, { chat: heir, store });
  await first.stop();
  await eventually('the heir', () => heir.texts().includes('uptime'));
  await eventually('nothing left', async () => {
    const { records } = await store.listRecords({ tenant: 'acme', kind: 'chat.inbox' }, { limit: 10 });
    return records.length === 0;
  });
  expect(heir.texts()).toEqual(['uptime']);
});

it('deals again with what could not be done, until it can', async () => {
  const lark = await startLab();
  let tries = 0;
  const chat = recordingChat(async () => {
    tries += 1;
    if (tries < 4) throw new MoltError('MOLT_BUS_DOWN', 'the bus is away');
  });
  await startBot(lark, { chat, store: await openStore(), timing: { claim: 100 } });
  await connected(lark);
  lark.user('alice').dm('uptime');
  await eventually('the fourth try', () => tries === 4);
  expect(lark.deliveries()).toMatchObject([{ state: 'acknowledged', attempts: [{}] }]);
});

it('acknowledges nothing that is not in the store', async () => {
  const lark = await startLab({ timing: { retryScale: 0.01 } });
  const store = await openStore();
  let isDown = true;
  const weak = {
    ...store,
    putRecord: (...args: Parameters<typeof store.putRecord>) =>
      isDown ? Promise.reject(new MoltError('MOLT_STORE_DOWN', 'away')) : store.putRecord(...args),
  };
  const chat = recordingChat();
  await startBot(lark, { chat, store: weak });
  await connected(lark);
  lark.user('alice').dm('uptime');
  await eventually('the refusal', () => lark.deliveries()[0]?.attempts.length === 1);
  expect(lark.deliveries()).toMatchObject([{ state: 'waiting', attempts: [{ outcome: 'refused' }] }]);
  isDown = false;
  await acknowledged(lark, 1);
  await eventually('the work', () => chat.heard.length === 1);
});

it('keeps the order of a chat, also where it has to ask about what was said', async () => {
  const lark = await startLab();
  const chat = recordingChat();
  await startBot(lark, { chat, store: await openStore() });
  await connected(lark);
  // What replies to something is looked up: that is slow, and the next message needs nothing of it.
  lark.faults.slow('GET /im/v1/messages/:message_id', 300);
  const alice = lark.user('alice');
  alice.dm('one', { file: { name: 'deploy.sh', data: 'uptime' } });
  await acknowledged(lark, 2);
  alice.dm('two');
  await eventually('both', () => chat.heard.length === 2);
  expect(chat.texts()).toEqual(['one', 'two']);
});

it('deals with what came by no event before what was said after it', async () => {
  const lark = await startLab();
  const chat = recordingChat();
  // Nobody else reads the history in time.
  await startBot(lark, { chat, store: await openStore(), timing: { catchUpEvery: 60_000 } });
  await connected(lark);
  const alice = lark.user('alice');
  alice.say('ops', 'first', { mentionBot: true });
  await eventually('the first', () => chat.heard.length === 1);
  lark.faults.dropEvents('im.message.receive_v1', 2);
  alice.say('ops', 'lost', { mentionBot: true });
  alice.say('ops', 'not for the bot');
  alice.say('ops', 'last', { mentionBot: true });
  await eventually('all', () => chat.heard.length === 3);
  expect(chat.texts()).toEqual(['first', 'lost', 'last']);
});

it('deals with nothing before what could not be done yet', async () => {
  const lark = await startLab();
  let refusals = 2;
  const done: string[] = [];
  const chat = recordingChat(async (incoming) => {
    const text = incoming.kind === 'text' ? incoming.text : '';
    if (text === 'hard' && refusals-- > 0) throw new MoltError('MOLT_BUS_DOWN', 'the bus is away');
    done.push(text);
  });
  await startBot(lark, { chat, store: await openStore(), timing: { claim: 60_000 } });
  await connected(lark);
  const alice = lark.user('alice');
  alice.dm('first');
  await eventually('the first', () => done.length === 1);
  alice.dm('hard');
  alice.dm('easy');
  await eventually('all', () => done.length === 3);
  expect(done).toEqual(['first', 'hard', 'easy']);
});

it('waits for what another instance has, until that has given it up', async () => {
  const lark = await startLab();
  const store = await openStore();
  const dying = recordingChat((incoming) =>
    incoming.kind === 'text' && incoming.text === 'held' ? new Promise(() => {}) : Promise.resolve(),
  );
  const timing = { claim: 1_500, sweepEvery: 60_000 };
  const first = await startBot(lark, { chat: dying, store, timing });
  await connected(lark);
  const alice = lark.user('alice');
  alice.dm('first');
  await eventually('the first', () => dying.heard.length === 1);
  alice.dm('held');
  await eventually('the work', () => dying.heard.length === 2);
  const heir = recordingChat();
  await startBot(lark, { chat: heir, store, timing });
  await first.stop();
  alice.dm('last');
  await eventually('all', () => heir.heard.length === 2);
  expect(heir.texts()).toEqual(['held', 'last']);
});

it('shares the events of an app, and one instance leads', async () => {
  const lark = await startLab();
  const store = await openStore();
  const [one, two] = [recordingChat(), recordingChat()];
  // Longer than this process ever stands still; who stops gives it back.
  const timing = { lease: 60_000 };
  const first = await startBot(lark, { chat: one, store, timing });
  await eventually('the leader', () => one.terms() === 1);
  await startBot(lark, { chat: two, store, timing });
  await connected(lark, 2);
  for (let index = 0; index < 20; index += 1) lark.user('alice').dm(`say ${index}`);
  await eventually('all', () => one.heard.length + two.heard.length === 20);
  expect(Math.min(one.heard.length, two.heard.length)).toBeGreaterThan(0);
  expect(two.terms()).toBe(0);
  await first.stop();
  await eventually('the next leader', () => two.terms() === 1);
});

it('finds in the history what came by no event, also in a thread', async () => {
  const lark = await startLab();
  const chat = recordingChat();
  await startBot(lark, { chat, store: await openStore() });
  await connected(lark);
  const alice = lark.user('alice');
  const root = alice.say('ops', 'first', { mentionBot: true });
  alice.say('ops', 'inside', { mentionBot: true, replyTo: root.id, inThread: true });
  await eventually('both', () => chat.heard.length === 2);
  lark.faults.dropEvents('im.message.receive_v1', 3);
  alice.say('ops', 'lost', { mentionBot: true });
  alice.say('ops', 'not for the bot');
  alice.say('ops', 'lost inside', { mentionBot: true, replyTo: root.id, inThread: true });
  await eventually('what was lost', () => chat.heard.length === 4);
  expect(chat.texts().toSorted()).toEqual(['first', 'inside', 'lost', 'lost inside']);
  const inside = chat.heard.find((incoming) => incoming.kind === 'text' && incoming.text === 'lost inside');
  expect(inside?.place.thread).toBe(lark.threads('ops')[0]?.id);
});

it('deals with what others left behind, and reads the history, though records beside cannot be read', async () => {
  const lark = await startLab();
  const store = await openStore();
  const dying = recordingChat(() => new Promise(() => {}));
  const first = await startBot(lark, { chat: dying, store });
  await connected(lark);
  lark.user('alice').dm('uptime');
  await eventually('the work', () => dying.heard.length === 1);
  for (const kind of ['chat.inbox', 'chat.seen']) {
    for (const [id, value] of [
      ['ops/a', '{"half'],
      ['ops/zzz', 'null'],
    ] as const)
      await store.putRecord({ tenant: 'acme', kind, id }, value);
  }
  const heir = recordingChat();
  await startBot(lark, { chat: heir, store });
  await first.stop();
  await eventually('what was left behind', () => heir.texts().includes('uptime'));
  await connected(lark);
  lark.user('alice').dm('next');
  await eventually('what is said now', () => heir.texts().includes('next'));
});
