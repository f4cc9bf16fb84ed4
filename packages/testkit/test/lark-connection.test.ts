import { eventually, freePort, startTcpProxy } from '@moltbot/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { bot, client, lab, raw, send, settled, type TestBot } from './lark-lab.ts';

const long = '查看所有主机的运行时间与负载，'.repeat(40);

it('tells the bot what people say: to it, to the group, and in private', async () => {
  const lark = await lab();
  const made = await bot(lark);
  const alice = lark.user('alice');
  const file = { name: 'deploy.sh', data: '#!/bin/sh\n' };
  alice.say('ops', 'run uptime', { mentionBot: true });
  alice.say('ops', 'ask @bob and @moltbot', { mentionBot: true, mentions: ['bob'] });
  alice.dm('status');
  const withFile = alice.say('ops', 'run this', { mentionBot: true, file });
  const lines = [[{ tag: 'text', text: 'uptime' }], [{ tag: 'at', user_id: '@_user_1' }]];
  alice.post('ops', { zh_cn: { title: '命令', content: lines } });
  await eventually('all six', () => made.received.length === 6);
  const [first, second, third, fourth, fifth, sixth] = made.received;
  const { id: appId, botOpenId, tenantKey, verificationToken } = lark.app();
  expect(first).toMatchObject({
    event_type: 'im.message.receive_v1',
    app_id: appId,
    tenant_key: tenantKey,
    token: verificationToken,
    sender: { sender_id: { open_id: alice.openId() }, sender_type: 'user' },
    message: {
      chat_type: 'group',
      chat_id: lark.chatId('ops'),
      message_type: 'text',
      content: '{"text":"@_user_1 run uptime"}',
      mentions: [{ key: '@_user_1', id: { open_id: botOpenId }, name: 'moltbot' }],
    },
  });
  expect(second?.message).toMatchObject({
    content: '{"text":"ask @_user_2 and @_user_1"}',
    mentions: [{ id: { open_id: botOpenId } }, { id: { open_id: lark.user('bob').openId() }, name: 'Bob' }],
  });
  expect(third?.message).toMatchObject({ chat_type: 'p2p', content: '{"text":"status"}' });
  expect(fourth?.message).toMatchObject({ message_type: 'file' });
  expect(JSON.parse(fourth?.message.content ?? '')).toMatchObject({ file_name: 'deploy.sh' });
  // The platform knows no text with a file: it is a reply to it.
  expect(fifth?.message).toMatchObject({ message_id: withFile.id, parent_id: fourth?.message.message_id });
  expect(JSON.parse(sixth?.message.content ?? '')).toEqual({ title: '命令', content: lines });
});

it('is reached by its origin alone', async () => {
  const port = await freePort();
  const way = await startTcpProxy(port);
  onTestFinished(() => way.stop());
  const lark = await lab({ port, origin: `http://127.0.0.1:${way.port}` });
  await bot(lark);
  await eventually('the connection', () => lark.app().connections().length === 1);
  way.cut();
  await eventually('its end', () => lark.app().connections().length === 0);
});

it('numbers those who are named', async () => {
  const names = ['ann', 'ben', 'cat', 'dan', 'eve', 'fay', 'gus', 'hal', 'ida', 'jon', 'kim'];
  const users = Object.fromEntries(names.map((name) => [name, {}]));
  const lark = await lab({ tenants: { acme: { users } } });
  const made = await bot(lark);
  const said = lark.user('ann').say('ops', 'hello', { mentions: names });
  await eventually('it', () => made.received.length === 1);
  const keys = names.map((_, index) => `@_user_${index + 1}`);
  expect(made.heard()).toEqual([`${keys.join(' ')} hello`]);
  expect(made.received[0]?.message.mentions?.map(({ key, name }) => `${key} ${name}`)[10]).toBe('@_user_11 Kim');
  expect(said.text).toBe(`${names.map((name) => `@${lark.user(name).displayName}`).join(' ')} hello`);
});

it('keeps what is not for the bot from an app that may only hear its name', async () => {
  const scopes = ['im:message', 'im:message.group_at_msg:readonly', 'im:message.p2p_msg:readonly'];
  const lark = await lab({ tenants: { acme: { apps: { moltbot: { scopes } } } } });
  const made = await bot(lark);
  const alice = lark.user('alice');
  alice.say('ops', 'just talking');
  alice.say('ops', 'uptime', { mentionBot: true });
  alice.dm('in private');
  await eventually('two', () => made.received.length === 2);
  expect(made.heard()).toEqual(['@_user_1 uptime', 'in private']);
});

it('sends an event in pieces, cut in the middle of a character', async () => {
  const lark = await lab({ limits: { frameBytes: 100 } });
  const made = await bot(lark);
  lark.user('alice').say('ops', long);
  await eventually('the event', () => made.received.length === 1);
  expect(made.heard()).toEqual([long]);
});

it('sends again what is not acknowledged in time, and what the handler fails on, under the same message id', async () => {
  const lark = await lab({ timing: { acknowledge: 2_000, retryScale: 0.001 } });
  const seen: { message: string; event: string }[] = [];
  await bot(lark, {
    handlers: {
      'im.message.receive_v1': ({ message, event_id }) => {
        seen.push({ message: message.message_id, event: event_id });
        if (seen.length === 1) throw new Error('not yet');
        return seen.length === 2 ? new Promise((resolve) => setTimeout(resolve, 2_500)) : undefined;
      },
    },
  });
  lark.faults.renewEventIds(true);
  lark.user('alice').say('ops', 'hello');
  await settled(lark, 1);
  expect(lark.deliveries()[0]?.attempts.map(({ outcome }) => outcome)).toEqual(['refused', 'timeout', 'acknowledged']);
  expect(new Set(seen.map(({ message }) => message)).size).toBe(1);
  expect(new Set(seen.map(({ event }) => event)).size).toBe(3);
});

it('gives up after four more attempts', async () => {
  const lark = await lab({ timing: { retryScale: 0 } });
  await bot(lark, {
    handlers: {
      'im.message.receive_v1': () => {
        throw new Error('never');
      },
    },
  });
  lark.user('alice').say('ops', 'hello');
  await settled(lark, 1);
  expect(lark.deliveries()).toMatchObject([{ state: 'given up', attempts: [{}, {}, {}, {}, {}] }]);
});

it('gives each event to one client of an app, picked at random', async () => {
  const lark = await lab();
  const [first, second] = [await bot(lark), await bot(lark)];
  for (let index = 0; index < 60; index += 1) lark.user('alice').say('ops', `${index}`);
  await settled(lark, 60);
  const [a, b] = [first.heard(), second.heard()];
  expect([...a, ...b].map(Number).toSorted((x, y) => x - y)).toEqual(Array.from({ length: 60 }, (_, index) => index));
  expect(Math.min(a.length, b.length)).toBeGreaterThan(5);
});

it('sends an event of a client that died to another one', async () => {
  const lark = await lab({ timing: { retryScale: 0.001 } });
  const dying: TestBot = await bot(lark, {
    handlers: {
      'im.message.receive_v1': () => {
        dying.ws.close({ force: true });
        return new Promise(() => {});
      },
    },
  });
  lark.user('alice').say('ops', 'hello');
  await eventually('the first attempt', () => lark.deliveries()[0]?.attempts.length === 1);
  const heir = await bot(lark);
  await settled(lark, 1);
  expect(heir.heard()).toEqual(['hello']);
  const attempts = lark.deliveries()[0]?.attempts ?? [];
  expect(attempts.map(({ outcome }) => outcome)).toEqual(['unreachable', 'acknowledged']);
  expect(attempts[1]?.via).toBe(lark.app().connections()[0]);
});

it('answers pings with the configuration, which the client takes', async () => {
  const lark = await lab();
  await bot(lark);
  await eventually('some pings', () => lark.counters.pings >= 3);
});

it('is noticed to be dead by a client with a ping timeout alone', async () => {
  const lark = await lab({ connection: { pingInterval: 0.5 } });
  const wary = await bot(lark, { ws: { wsConfig: { pingTimeout: 0.2 } } });
  await eventually('pings', () => lark.counters.pings > 0);
  expect(lark.faults.strand()).toBe(1);
  await eventually('a new connection', () => lark.counters.connections === 2);
  expect(wary.ws.getConnectionStatus().state).toBe('connected');
});

it('never is with a ping timeout that is longer than the pings are apart', async () => {
  const lark = await lab({ connection: { pingInterval: 0.1 } });
  const made = await bot(lark, { ws: { wsConfig: { pingTimeout: 0.5 } } });
  lark.faults.ignorePings(true);
  lark.faults.strand();
  await expect(
    eventually('a new connection', () => lark.counters.connections > 1, { withinMs: 1_500 }),
  ).rejects.toThrow();
  expect(made.ws.getConnectionStatus().state).toBe('connected');
});

it('refuses connections with codes that end the client, and with one that does not', async () => {
  const lark = await lab();
  for (const code of [1, 403, 514, 1000040350]) {
    lark.faults.refuseConnections(code);
    const made = await bot(lark, { unready: true });
    await eventually('the error', () => made.errors.length > 0);
    expect(made.ws.getConnectionStatus().state).toBe('failed');
  }
  const patient = await bot(lark);
  lark.faults.refuseConnections(1000040343, 2);
  lark.faults.cut();
  await eventually('it is back', () => lark.counters.connections === 2);
  expect(patient.errors).toEqual([]);
});

it('takes a code for fatal during a reconnect, too', async () => {
  const lark = await lab();
  const made = await bot(lark);
  lark.faults.refuseConnections(1);
  expect(lark.faults.cut()).toBe(1);
  await eventually('the end', () => made.errors.length === 1);
  expect(made.errors[0]?.message).toContain('system busy');
  expect(made.ws.getConnectionStatus().state).toBe('failed');
});

it('takes as many connections of an app as its limit says', async () => {
  const lark = await lab({ limits: { connections: 2 } });
  await bot(lark);
  await bot(lark);
  const third = await bot(lark, { unready: true });
  await eventually('the refusal', () => third.errors.length === 1);
  expect(third.errors[0]?.message).toContain('1000040350');
});

it('is not asked by a client whose app id has another shape', async () => {
  const lark = await lab({ tenants: { acme: { apps: { moltbot: { id: 'cli_moltbot' } } } } });
  const made = await bot(lark, { unready: true });
  expect(made.ws.getConnectionStatus().state).toBe('idle');
  expect(lark.counters.endpoints).toBe(0);
  const body = { AppID: lark.app().id, AppSecret: 'wrong' };
  expect((await raw(lark, '/callback/ws/endpoint', { body })).answer).toMatchObject({ code: 514 });
});

it('lets nobody in without a ticket, and throws out who sends what is no frame', async () => {
  const lark = await lab();
  const { id, secret } = lark.app();
  const { answer } = await raw(lark, '/callback/ws/endpoint', { body: { AppID: id, AppSecret: secret } });
  const { URL: address } = answer['data'] as { URL: string };
  const ended = async (url: string, say?: string): Promise<number> => {
    const socket = new WebSocket(url);
    const { promise, resolve } = Promise.withResolvers<number>();
    socket.on('open', () => say !== undefined && socket.send(Buffer.from(say)));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('close', resolve);
    socket.on('error', () => {});
    return promise;
  };
  expect(await ended(address, 'this is no frame')).toBe(1007);
  expect(await ended(address)).toBe(403);
});

it('sends what was said in an outage in a burst, with the times at which it was said', async () => {
  const lark = await lab();
  const made = await bot(lark);
  await lark.faults.offline();
  const before = Date.now();
  for (const text of ['one', 'two', 'three']) lark.user('alice').say('ops', text);
  await eventually('some time', () => Date.now() - before > 300);
  await lark.faults.online();
  await eventually('all', () => made.received.length === 3);
  expect(made.heard()).toEqual(['one', 'two', 'three']);
  for (const { message } of made.received) expect(Date.now() - Number(message.create_time)).toBeGreaterThan(250);
  expect(made.reconnects()).toBe(1);
});

it('loses, repeats, and keeps back events on command', async () => {
  const lark = await lab();
  const made = await bot(lark);
  const alice = lark.user('alice');
  lark.faults.dropEvents('im.message.receive_v1');
  alice.say('ops', 'lost');
  lark.faults.repeatEvents('im.message.receive_v1');
  alice.say('ops', 'twice');
  await eventually('both copies', () => made.received.length === 2);
  const [first, second] = made.received;
  expect(made.heard()).toEqual(['twice', 'twice']);
  expect(first?.message.message_id).toBe(second?.message.message_id);
  expect(first?.event_id).not.toBe(second?.event_id);

  lark.faults.holdEvents();
  alice.say('ops', 'later');
  const pings = lark.counters.pings;
  await eventually('some traffic', () => lark.counters.pings > pings + 2);
  expect(lark.deliveries().at(-1)).toMatchObject({ state: 'waiting', attempts: [] });
  lark.faults.releaseEvents();
  await eventually('the last', () => made.heard().includes('later'));
});

it('stands still while it is frozen, and goes on after', async () => {
  const lark = await lab();
  const made = await bot(lark);
  lark.faults.freeze();
  lark.user('alice').say('ops', 'hello');
  const asked = raw(lark, '/callback/ws/endpoint', { body: {} });
  const pings = lark.counters.pings;
  const winner = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 300, 'nothing'))]);
  expect(winner).toBe('nothing');
  expect(made.received).toEqual([]);
  expect(lark.counters.pings).toBe(pings);
  lark.faults.thaw();
  await eventually('the event', () => made.received.length === 1);
  expect((await asked).status).toBe(200);
});

it('tells of bots that are added and of what was read, which a client without a handler acknowledges', async () => {
  const lark = await lab({ tenants: { acme: { chats: { ops: {}, quiet: { bots: [] } } } } });
  const added: string[] = [];
  const made = await bot(lark, {
    handlers: { 'im.chat.member.bot.added_v1': ({ chat_id }) => void added.push(chat_id) },
  });
  const alice = lark.user('alice');
  alice.say('quiet', 'nobody hears');
  alice.addBot('quiet');
  await eventually('it', () => added.length === 1);
  expect(added).toEqual([lark.chatId('quiet')]);
  alice.say('quiet', 'now it does');
  const talk = alice.dm('hello');
  await eventually('both', () => made.heard().length === 2);
  alice.recall(talk.id);
  alice.read(await send(lark, client(lark), 'an answer', '@alice'));
  alice.removeBot('quiet');
  alice.say('quiet', 'nobody hears');
  await settled(lark, 6);
  expect(lark.deliveries().map(({ type, state }) => `${type} ${state}`)).toEqual([
    'im.chat.member.bot.added_v1 acknowledged',
    'im.message.receive_v1 acknowledged',
    'im.message.receive_v1 acknowledged',
    'im.message.recalled_v1 acknowledged',
    'im.message.message_read_v1 acknowledged',
    'im.chat.member.bot.deleted_v1 acknowledged',
  ]);
});
