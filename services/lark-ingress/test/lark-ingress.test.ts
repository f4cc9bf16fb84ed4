import type { Incoming } from '@moltbot/chat';
import type { LarkConfig } from '@moltbot/shared';
import { createRegistry, silentLogger } from '@moltbot/shared';
import { checkServiceContract, eventually, type TestLark } from '@moltbot/testkit';
import { describe, expect, it } from 'vitest';
import { createLarkIngress } from '../src/lark-ingress.ts';
import {
  apiFor,
  type BotOptions,
  clock,
  configFor,
  message,
  openStore,
  place,
  platformFor,
  quick,
  type RecordingChat,
  recordingChat,
  signal,
  startBot,
  startLab,
  urlOf,
} from './lab.ts';

type TextIncoming = Extract<Incoming, { kind: 'text' }>;

const modes: readonly LarkConfig['mode'][] = ['long-connection', 'webhook'];

/** A bot that hears. */
async function open(
  mode: LarkConfig['mode'],
  options: Partial<BotOptions> & { readonly lark?: TestLark } = {},
): Promise<{ lark: TestLark; chat: RecordingChat }> {
  const lark = options.lark ?? (await startLab());
  const chat = recordingChat();
  const config = { ...options.config, mode };
  const bot = await startBot(lark, { chat, store: await openStore(), ...options, config });
  if (mode === 'webhook') expect(await lark.app().subscribe(urlOf(bot))).toMatchObject({ accepted: true });
  else await eventually('the connection', () => lark.app().connections().length === 1);
  return { lark, chat };
}

describe.each(modes)('by %s', (mode) => {
  it('hears what is said to it: in private, by mention and with the prefix', async () => {
    const { lark, chat } = await open(mode);
    const alice = lark.user('alice');
    const first = alice.dm('status');
    const second = alice.say('ops', 'run on:web-* -- uptime', { mentionBot: true });
    alice.say('ops', 'just talking');
    alice.say('ops', 'not to the bot', { mentions: ['bob'] });
    const third = alice.say('ops', '!sync a b');
    const fourth = alice.say('ops', '!tell @bob and @moltbot\n  twice', { mentionBot: true, mentions: ['bob'] });
    await eventually('four', () => chat.heard.length === 4);
    const byMessage = new Map(chat.heard.map((incoming) => [incoming.id, incoming]));
    expect(byMessage.get(second.id)).toEqual({
      ...{ kind: 'text', id: second.id, message: second.id, tenant: 'acme', text: 'run on:web-* -- uptime' },
      place: { channel: lark.chatId('ops'), thread: undefined },
      actor: { id: alice.openId(), name: 'Alice', roles: [] },
      ...{ at: second.at, attachments: [] },
    });
    const textOf = (id: string) => (byMessage.get(id) as TextIncoming | undefined)?.text;
    expect(textOf(first.id)).toBe('status');
    expect(byMessage.get(first.id)?.place.channel).toBe(lark.chatId('@alice'));
    expect(textOf(third.id)).toBe('sync a b');
    expect(textOf(fourth.id)).toBe('tell @Bob and \n  twice'.replace(' \n', ' \n'));
  });

  it('reads rich text line by line, and takes the file that a text replies to', async () => {
    const { lark, chat } = await open(mode);
    const alice = lark.user('alice');
    const lines = [
      [{ tag: 'text', text: '!run on:web-1' }],
      [{ tag: 'code_block', language: 'BASH', text: 'set -e\nuptime' }],
      [{ tag: 'a', text: 'the docs', href: 'https://docs.example' }],
    ];
    alice.post('ops', { zh_cn: { title: '', content: lines } });
    await eventually('the post', () => chat.heard.length === 1);
    expect(chat.texts()).toEqual(['run on:web-1\n\n```\nset -e\nuptime\n```\n\nthe docs']);

    const said = alice.say('ops', 'run on:web-1', { mentionBot: true, file: { name: 'deploy.sh', data: 'uptime\n' } });
    await eventually('the text', () => chat.heard.length === 2);
    const heard = chat.heard[1] as TextIncoming;
    expect(heard).toMatchObject({ text: 'run on:web-1', attachments: [{ name: 'deploy.sh', message: said.replyTo }] });
    const [attachment] = heard.attachments;
    expect(attachment).toBeDefined();
    if (!attachment) return;
    const bytes = await platformFor(lark).download(heard.place, attachment, { maxBytes: 1_000, signal });
    expect(bytes.toString()).toBe('uptime\n');
  });

  it('knows the thread', async () => {
    const { lark, chat } = await open(mode);
    const alice = lark.user('alice');
    const root = alice.say('ops', 'status', { mentionBot: true });
    const inside = alice.say('ops', 'again', { mentionBot: true, replyTo: root.id, inThread: true });
    await eventually('both', () => chat.heard.length === 2);
    const found = chat.heard.find(({ id }) => id === inside.id);
    expect(inside.threadId).toBeDefined();
    expect(found?.place).toEqual({ channel: lark.chatId('ops'), thread: inside.threadId });
  });

  it('answers a press with a toast when the answer is short, and leaves a long one to the channel', async () => {
    const lark = await startLab();
    const refused: unknown[] = [];
    const chat = recordingChat(async (incoming) => {
      if (incoming.kind !== 'press') return;
      const isLong = incoming.button === 'details:t1';
      const whisper = incoming.answer?.whisper(
        message({ tone: 'success', title: 'Cancelled', text: isLong ? ['x'.repeat(500)] : [] }),
      );
      await whisper?.catch((error: { code: string }) => refused.push(error.code));
    });
    await open(mode, { lark, chat });
    const buttons = ['cancel:t1', 'details:t1'].map((id) => ({ id, label: id, style: 'neutral' as const }));
    const post = await platformFor(lark).post(place(lark), message({ buttons }), { nonce: 'a', signal });
    const bob = lark.user('bob');
    expect(await bob.press(post, 'cancel:t1')).toMatchObject({
      ok: true,
      toast: { type: 'success', text: 'Cancelled' },
    });
    expect(await bob.press(post, 'details:t1')).toMatchObject({ ok: true, toast: undefined });
    expect(refused).toEqual(['MOLT_CHAT_GONE']);
    expect(chat.heard[0]).toMatchObject({
      ...{ kind: 'press', button: 'cancel:t1', message: post, tenant: 'acme' },
      place: { channel: lark.chatId('ops') },
      actor: { id: bob.openId(), name: 'Bob', roles: [] },
    });
  });

  it('handles what comes twice once, under whatever event id', async () => {
    const { lark, chat } = await open(mode);
    lark.faults.repeatEvents('im.message.receive_v1', 2);
    lark.user('alice').dm('one');
    lark.user('alice').dm('two');
    const post = await platformFor(lark).post(
      place(lark),
      message({ buttons: [{ id: 'cancel:t1', label: 'Cancel', style: 'danger' }] }),
      { nonce: 'a', signal },
    );
    lark.faults.repeatEvents('card.action.trigger');
    await lark.user('alice').press(post, 'Cancel');
    await eventually(
      'all deliveries',
      () => lark.deliveries().filter(({ state }) => state === 'acknowledged').length === 6,
    );
    await eventually('all three', () => chat.heard.length === 3);
    expect(chat.texts().toSorted()).toEqual(['one', 'press', 'two']);
  });
});

it('names each of many who are mentioned', async () => {
  const names = ['ann', 'ben', 'cat', 'dan', 'eve', 'fay', 'gus', 'hal', 'ida', 'jon', 'kim'];
  const users = Object.fromEntries(names.map((name) => [name, {}]));
  const lark = await startLab({ tenants: { acme: { users } } });
  const { chat } = await open('long-connection', { lark });
  lark
    .user('ann')
    .say('ops', `tell ${names.map((name) => `@${name}`).join(' ')}`, { mentionBot: true, mentions: names });
  await eventually('it', () => chat.heard.length === 1);
  expect(chat.texts()).toEqual([`tell ${names.map((name) => `@${lark.user(name).displayName}`).join(' ')}`]);
});

it('gives up waiting for an answer before the platform does, and hears nothing of it later', async () => {
  const lark = await startLab();
  const late = Promise.withResolvers<unknown>();
  const chat = recordingChat(async (incoming) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const answer = incoming.kind === 'press' ? incoming.answer : undefined;
    await answer?.whisper(message()).catch(late.resolve);
  });
  await open('long-connection', { lark, chat, timing: { answerWithin: 200 } });
  const buttons = [{ id: 'cancel:t1', label: 'Cancel', style: 'danger' as const }];
  const post = await platformFor(lark).post(place(lark), message({ buttons }), { nonce: 'a', signal });
  expect(await lark.user('alice').press(post, 'Cancel')).toMatchObject({ ok: true, toast: undefined });
  expect(await late.promise).toMatchObject({ code: 'MOLT_CHAT_GONE' });
});

it('gives people the configured groups that they are in', async () => {
  const chats = { ops: {}, admins: { members: ['alice'] } };
  const lark = await startLab({ tenants: { acme: { chats } } });
  const groups = [lark.chatId('admins')];
  const { chat } = await open('long-connection', { lark, config: { groups } });
  lark.user('alice').say('ops', '!one');
  lark.user('bob').say('ops', '!two');
  await eventually('both', () => chat.heard.length === 2);
  const rolesOf = (text: string) =>
    chat.heard.find((incoming) => incoming.kind === 'text' && incoming.text === text)?.actor.roles;
  expect(rolesOf('one')).toEqual(groups);
  expect(rolesOf('two')).toEqual([]);
  // Its members are asked for once.
  lark.user('alice').say('ops', '!three');
  await eventually('the third', () => chat.heard.length === 3);
  expect(lark.requests().filter(({ path }) => path.includes(`${groups[0]}/members`))).toHaveLength(1);
});

it('waits with somebody whose groups cannot be read at the moment', async () => {
  const lark = await startLab({ tenants: { acme: { chats: { ops: {}, admins: { members: ['alice'] } } } } });
  const groups = [lark.chatId('admins')];
  lark.faults.fail('GET /im/v1/chats/:chat_id/members', { times: 4 });
  const { chat } = await open('long-connection', { lark, config: { groups } });
  lark.user('alice').say('ops', '!one');
  await eventually('it', () => chat.heard.length === 1);
  expect(chat.heard[0]?.actor.roles).toEqual(groups);
});

it('listens in the configured chats alone', async () => {
  const lark = await startLab();
  const { chat } = await open('long-connection', { lark, config: { chats: [lark.chatId('general')] } });
  lark.user('alice').say('ops', '!one');
  lark.user('alice').dm('two');
  lark.user('alice').say('general', '!three');
  await eventually('the third', () => chat.heard.length === 1);
  await eventually('all deliveries', () => lark.deliveries().every(({ state }) => state === 'acknowledged'));
  expect(chat.texts()).toEqual(['three']);
});

it('is a service', async () => {
  const lark = await startLab();
  const store = await openStore();
  for (const mode of modes) {
    await checkServiceContract(() =>
      createLarkIngress({
        ...{ name: 'ops', config: configFor(lark, { mode }), api: apiFor(lark), chat: recordingChat(), store },
        ...{ registry: createRegistry('test'), clock, log: silentLogger, timing: quick },
      }),
    );
  }
});
