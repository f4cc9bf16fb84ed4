import { eventually } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { apiFor, message, place, platformFor, signal, startLab } from './lab.ts';

const create = 'POST /im/v1/messages';
const content = 'PUT /cardkit/v1/cards/:card_id/elements/:element_id/content';
const update = 'PUT /cardkit/v1/cards/:card_id';
const working = (text: string) => message({ code: [{ text }] });

const failing = async (
  call: Promise<unknown>,
): Promise<{ code: string; details: Record<string, unknown>; remedy: string }> =>
  call.then(
    () => {
      throw new Error('it went well');
    },
    (error: { code: string; details: Record<string, unknown>; remedy: string }) => error,
  );

it('posts one message for one nonce, whatever is answered', async () => {
  const lark = await startLab();
  const platform = platformFor(lark);
  const post = (from = platform) => from.post(place(lark), working('one'), { nonce: 'a', signal });
  lark.faults.fail(create, { after: true });
  expect(await failing(post())).toMatchObject({ code: 'MOLT_CHAT_DOWN' });
  const again = await post();
  // So does another instance; and it goes on with the card that is shown.
  const other = platformFor(lark);
  expect(await post(other)).toBe(again);
  expect(lark.messages('ops')).toHaveLength(1);
  await other.edit(place(lark), again, working('two'), signal);
  expect(lark.message(again)?.text).toBe('uptime\n```\ntwo\n```');
});

it('answers a message, in its thread where it is in one, and beside it when it is gone', async () => {
  const lark = await startLab();
  const platform = platformFor(lark);
  const alice = lark.user('alice');
  const asked = alice.say('ops', 'uptime', { mentionBot: true });
  const reply = await platform.post(place(lark), message(), { nonce: 'a', replyTo: asked.id, signal });
  expect(lark.message(reply)).toMatchObject({ replyTo: asked.id, threadId: undefined });

  const inThread = alice.say('ops', 'here', { replyTo: asked.id, inThread: true });
  const thread = { ...place(lark), thread: inThread.threadId };
  const second = await platform.post(thread, message(), { nonce: 'b', replyTo: inThread.id, signal });
  expect(lark.message(second)?.threadId).toBe(inThread.threadId);
  const third = await platform.post(thread, message(), { nonce: 'c', signal });
  expect(lark.message(third)?.threadId).toBe(inThread.threadId);

  const gone = alice.say('ops', 'never mind', { mentionBot: true });
  alice.recall(gone.id);
  const beside = await platform.post(place(lark), message(), { nonce: 'd', replyTo: gone.id, signal });
  expect(lark.message(beside)).toMatchObject({ chat: 'ops', replyTo: undefined });
});

it('streams what grows, changes the rest whole, and ends the streaming with the end', async () => {
  const lark = await startLab();
  const platform = platformFor(lark);
  const id = await platform.post(place(lark), working('one'), { nonce: 'a', signal });
  const edit = (to: Parameters<typeof platform.edit>[2]) => platform.edit(place(lark), id, to, signal);
  await edit(working('one\ntwo'));
  await edit(working('one\ntwo\nthree'));
  await edit(working('one\ntwo\nthree'));
  await edit({ ...working('one\ntwo\nthree'), fields: [{ name: 'hosts', value: '3' }] });
  expect(lark.message(id)?.card).toMatchObject({ config: { streaming_mode: true } });
  await edit({ ...working('one\ntwo\nthree'), tone: 'success' });
  const requests = lark.requests().filter(({ route }) => route.startsWith('PUT'));
  expect(requests.map(({ route, status }) => `${route} ${status}`)).toEqual([
    // What another instance may have shown is not known at first.
    `${update} 200`,
    `${content} 200`,
    `${update} 200`,
    `${update} 200`,
  ]);
  expect(lark.message(id)?.card).toMatchObject({ config: { streaming_mode: false }, header: { template: 'green' } });
});

it('goes on when the platform has ended the streaming', async () => {
  const lark = await startLab({ timing: { streaming: 50 } });
  const platform = platformFor(lark);
  const id = await platform.post(place(lark), working('0'), { nonce: 'a', signal });
  await platform.edit(place(lark), id, working('1'), signal);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await platform.edit(place(lark), id, working('2'), signal);
  expect(lark.message(id)?.text).toContain('\n2\n');
  expect(lark.counters.refusals.get(200850)).toBe(1);
});

it('takes edits from two instances in turn, though one is far ahead', async () => {
  const lark = await startLab({ limits: { perCard: 100 } });
  const [one, two] = [platformFor(lark), platformFor(lark)];
  const id = await one.post(place(lark), working('0'), { nonce: 'a', signal });
  for (let index = 1; index <= 8; index += 1) {
    await one.edit(place(lark), id, working(`one ${index}`), signal);
  }
  for (let index = 1; index <= 3; index += 1) {
    await two.edit(place(lark), id, working(`two ${index}`), signal);
    expect(lark.message(id)?.text).toContain(`two ${index}`);
    await one.edit(place(lark), id, { ...working(`one ${index}`), tone: 'warning' }, signal);
    expect(lark.message(id)?.text).toContain(`one ${index}`);
  }
  expect(lark.counters.refusals.get(300317)).toBeGreaterThan(0);
});

it('makes an edit once whose answer was lost, and again under its name', async () => {
  const lark = await startLab();
  const platform = platformFor(lark);
  const id = await platform.post(place(lark), working('0'), { nonce: 'a', signal });
  lark.faults.fail(update, { after: true });
  expect(await failing(platform.edit(place(lark), id, working('1'), signal))).toMatchObject({ code: 'MOLT_CHAT_DOWN' });
  await platform.edit(place(lark), id, working('1'), signal);
  expect(lark.counters.refusals.get(200770)).toBe(1);
  expect(lark.message(id)?.versions).toHaveLength(2);
});

it('sends plain cards for an app that may make no entities, and changes them whole', async () => {
  const scopes = ['im:message', 'im:message:send_as_bot', 'im:message.group_msg'];
  const lark = await startLab({ tenants: { acme: { apps: { moltbot: { scopes } } } } });
  const platform = platformFor(lark);
  const id = await platform.post(place(lark), working('one'), { nonce: 'a', signal });
  expect(lark.message(id)?.cardId).toBeUndefined();
  await platform.edit(place(lark), id, working('two'), signal);
  expect(lark.message(id)?.text).toContain('two');
});

it('attaches files in the thread of the message, once, and fetches what people send', async () => {
  const lark = await startLab();
  const platform = platformFor(lark);
  const id = await platform.post(place(lark), message(), { nonce: 'a', signal });
  const files = [
    { name: 'empty.txt', bytes: Buffer.alloc(0) },
    { name: '输出 web-1.txt', bytes: Buffer.from('up 3 days\n') },
  ];
  const attach = () => platform.attach(place(lark), files, { nonce: 'b', replyTo: id, signal });
  lark.faults.fail('POST /im/v1/messages/:message_id/reply', { after: true });
  expect(await failing(attach())).toMatchObject({ code: 'MOLT_CHAT_DOWN' });
  await attach();
  const [thread] = lark.threads('ops');
  expect(thread?.messages.map(({ type, file }) => `${type} ${file?.name}: ${file?.text()}`)).toEqual([
    'interactive undefined: undefined',
    'file 输出 web-1.txt: up 3 days\n',
  ]);

  const script = lark.user('alice').sendFile('ops', { name: 'deploy.sh', data: '#!/bin/sh\nuptime\n' });
  const attachment = { id: script.file?.key ?? '', name: 'deploy.sh', bytes: 0, message: script.id };
  const fetch = (maxBytes: number) => platform.download(place(lark), attachment, { maxBytes, signal });
  expect((await fetch(100)).toString()).toBe('#!/bin/sh\nuptime\n');
  expect(await failing(fetch(10))).toMatchObject({ code: 'MOLT_CHAT_REFUSED' });
});

it('shows an image as one, and gives what the platform takes for none as a file', async () => {
  const lark = await startLab();
  const platform = platformFor(lark);
  const id = await platform.post(place(lark), message(), { nonce: 'a', signal });
  const png = Buffer.from('89504e470d0a1a0a0000', 'hex');
  const files = [
    { name: 'load.png', bytes: png, isImage: true },
    { name: 'broken.png', bytes: Buffer.from('no image'), isImage: true },
    { name: 'huge.png', bytes: Buffer.concat([png, Buffer.alloc(10 * 1024 * 1024)]), isImage: true },
  ];
  await platform.attach(place(lark), files, { nonce: 'b', replyTo: id, signal });
  const [thread] = lark.threads('ops');
  expect(thread?.messages.slice(1).map(({ type, file }) => `${type} ${file?.name}`)).toEqual([
    ...['image load.png', 'file broken.png', 'file huge.png'],
  ]);
});

it('says what went wrong in the words of the port', async () => {
  const lark = await startLab();
  const platform = platformFor(lark);
  let index = 0;
  const post = (chat = lark.chatId('ops')) => {
    index += 1;
    return failing(platform.post({ channel: chat }, message(), { nonce: `n${index}`, signal }));
  };
  lark.faults.rateLimit(create, { resetSeconds: 7 });
  expect(await post()).toMatchObject({ code: 'MOLT_CHAT_LIMITED', details: { retryAfterMs: 7_000 } });
  lark.faults.rateLimit(create, { resetSeconds: 2, status: 400 });
  expect(await post()).toMatchObject({ code: 'MOLT_CHAT_LIMITED', details: { retryAfterMs: 2_000 } });
  lark.faults.refuse(create, { code: 230020 });
  expect(await post()).toMatchObject({ code: 'MOLT_CHAT_LIMITED' });
  lark.faults.refuse(create, { code: 99999, status: 200 });
  expect(await post()).toMatchObject({ code: 'MOLT_CHAT_REFUSED' });
  lark.faults.cutRequest(create);
  expect(await post()).toMatchObject({ code: 'MOLT_CHAT_DOWN' });
  expect(await post('oc_0123456789abcdef0123456789abcdef')).toMatchObject({
    code: expect.stringMatching(/GONE|REFUSED/),
  });
  lark.user('alice').removeBot('ops');
  expect(await post()).toMatchObject({ code: 'MOLT_CHAT_REFUSED', remedy: expect.stringContaining('Add the bot') });
  lark.user('alice').addBot('ops');

  const id = await platform.post(place(lark), working('0'), { nonce: 'a', signal });
  lark.age(id, 15 * 86_400_000);
  expect(await failing(platform.edit(place(lark), id, working('1'), signal))).toMatchObject({ code: 'MOLT_CHAT_GONE' });
  await lark.faults.offline();
  expect(await post()).toMatchObject({ code: 'MOLT_CHAT_DOWN' });
  await lark.faults.online();
});

it('asks for a new token when the old one was taken back, and shows no token when something fails', async () => {
  const lark = await startLab();
  const api = apiFor(lark);
  const platform = platformFor(lark, api);
  await platform.post(place(lark), message(), { nonce: 'a', signal });
  lark.faults.revokeTokens();
  await platform.post(place(lark), message(), { nonce: 'b', signal });
  expect(lark.messages('ops')).toHaveLength(2);
  lark.faults.fail(create);
  const { cause } = (await failing(platform.post(place(lark), message(), { nonce: 'c', signal }))) as unknown as {
    cause: unknown;
  };
  expect(JSON.stringify(cause) + String(cause)).not.toMatch(/Bearer|t-/);
});

it('gives up when it is told to', async () => {
  const lark = await startLab();
  const stop = new AbortController();
  lark.faults.hang('POST /cardkit/v1/cards');
  const post = platformFor(lark).post(place(lark), message(), { nonce: 'a', signal: stop.signal });
  await eventually('the request', () => lark.counters.requests.get('POST /cardkit/v1/cards'));
  stop.abort(new Error('stopped'));
  await expect(post).rejects.toThrow('stopped');
});
