import { eventually, type LarkApp, type LarkHookRequest, type TestLark } from '@moltbot/testkit';
import { beforeEach, expect, it } from 'vitest';
import { sentAt } from '../src/webhook/sent-at.ts';
import { openStore, type RecordingChat, recordingChat, startBot, startLab, urlOf } from './lab.ts';

let lark: TestLark;
let app: LarkApp;
let chat: RecordingChat;
let url: string;

beforeEach(async () => {
  lark = await startLab();
  app = lark.app();
  chat = recordingChat();
  url = urlOf(await startBot(lark, { chat, store: await openStore(), config: { mode: 'webhook' } }));
});

/** What the platform would post for a message in private. */
const event = (text = 'uptime', id = `om_${Math.random().toString(36).slice(2)}`) => ({
  type: 'im.message.receive_v1',
  event: {
    sender: { sender_id: { open_id: lark.user('alice').openId() }, sender_type: 'user' },
    message: {
      ...{ message_id: id, create_time: String(Date.now()), chat_id: lark.chatId('@alice'), chat_type: 'p2p' },
      ...{ message_type: 'text', content: JSON.stringify({ text }) },
    },
  },
});
const statusOf = async (request: LarkHookRequest): Promise<number> => (await app.post(url, request)).status;
const ago = (seconds: number): string => String(Math.floor(Date.now() / 1_000) - seconds);

it('takes what the platform sends, in whatever spelling and pieces', async () => {
  expect(await statusOf(app.seal(event('plain')))).toBe(200);
  expect(await statusOf(app.seal(event('说 uptime'), { spaced: true }))).toBe(200);
  expect(await app.post(url, app.seal(event('很长的一行'.repeat(50))), { chunk: 7 })).toMatchObject({ status: 200 });
  await eventually('all', () => chat.heard.length === 3);
  expect(chat.texts()).toEqual(['plain', '说 uptime', '很长的一行'.repeat(50)]);
});

it('answers with 401 or 400, and does nothing, when something is wrong', async () => {
  const { headers, body } = app.seal(event());
  const forged = { 'x-lark-signature': 'f'.repeat(64) };
  const wrongToken = { schema: '2.0', header: { event_type: 'im.message.receive_v1', token: 'wrong', app_id: app.id } };
  const other = { ...wrongToken.header, token: app.verificationToken, app_id: 'cli_0000000000000000' };
  expect(await statusOf({ headers: { ...headers, ...forged }, body })).toBe(401);
  expect(await statusOf({ headers, body: body.replace('"encrypt":"', '"encrypt":"A') })).toBe(401);
  expect(await statusOf(app.seal(event(), { signed: false }))).toBe(401);
  expect(await statusOf(app.sealRaw({ ...wrongToken, ...event() }))).toBe(401);
  expect(await statusOf(app.sealRaw({ schema: '2.0', header: other, ...event() }))).toBe(401);
  expect(await statusOf(app.seal(event(), { encrypted: false }))).toBe(400);
  expect(await statusOf(app.sealRaw({ hello: 'world' }))).toBe(400);
  expect(await statusOf(app.seal(event(), { timestamp: ago(301) }))).toBe(401);
  expect(await statusOf(app.seal(event(), { timestamp: ago(-320) }))).toBe(401);
  expect(await statusOf(app.seal(event(), { timestamp: 'yesterday' }))).toBe(401);
  expect(await statusOf(app.seal(event('late', 'om_1'), { timestamp: ago(250) }))).toBe(200);
  await eventually('the last', () => chat.heard.length === 1);
  expect(chat.texts()).toEqual(['late']);
});

it('takes times as Go prints them', async () => {
  await app.subscribe(url);
  lark.faults.oddTimestamps(true);
  lark.user('alice').dm('odd');
  await eventually('it', () => chat.heard.length === 1);
  expect(sentAt('2026-01-02 03:04:05.678901 +0800 CST m=+0.9')).toBe(Date.UTC(2026, 0, 1, 19, 4, 5, 678));
  expect(sentAt('1767294245')).toBe(1_767_294_245_000);
  expect(sentAt('1767294245678')).toBe(1_767_294_245_678);
  expect(sentAt('')).toBeUndefined();
});

it('meets a challenge with our token alone, signed or not', async () => {
  const challenge = { type: 'url_verification', challenge: 'c', token: app.verificationToken };
  expect(await app.post(url, app.sealRaw(challenge, { signed: false }))).toMatchObject({
    status: 200,
    body: '{"challenge":"c"}',
  });
  expect(await app.post(url, app.sealRaw(challenge))).toMatchObject({ status: 200, body: '{"challenge":"c"}' });
  expect(await statusOf(app.sealRaw({ ...challenge, token: 'wrong' }, { signed: false }))).toBe(401);
  expect(await statusOf(app.sealRaw(challenge, { encrypted: false, signed: false }))).toBe(400);
});

it('takes neither other paths and methods nor large bodies', async () => {
  const request = app.seal(event());
  expect((await app.post(`${url}/other`, request)).status).toBe(404);
  expect((await fetch(url)).status).toBe(405);
  const large = app.seal(event('x'.repeat(1024 * 1024)));
  expect(await statusOf(large)).toBe(413);
  // Nor one that does not say how large it is.
  const body = new Blob([large.body]).stream();
  const response = await fetch(url, { method: 'POST', headers: large.headers, body, duplex: 'half' } as RequestInit);
  expect(response.status).toBe(413);
  expect(chat.heard).toEqual([]);
});

it('handles a replay once', async () => {
  const request = app.seal(event('once'));
  expect([await statusOf(request), await statusOf(request)]).toEqual([200, 200]);
  await eventually('it', () => chat.heard.length === 1);
  expect(await statusOf(request)).toBe(200);
  expect(chat.texts()).toEqual(['once']);
});

it('answers though nobody understands the event', async () => {
  expect(await statusOf(app.seal({ type: 'im.chat.member.bot.added_v1', event: { chat_id: 'oc_1' } }))).toBe(200);
  expect(await statusOf(app.seal({ type: 'im.message.receive_v1', event: { message: 'odd' } }))).toBe(200);
  expect(await statusOf(app.seal({ type: 'card.action.trigger', event: { action: { value: 'not ours' } } }))).toBe(200);
});
