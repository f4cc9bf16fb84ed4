import { createHash } from 'node:crypto';
import { AESCipher, adaptDefault, EventDispatcher } from '@larksuiteoapi/node-sdk';
import { eventually } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import {
  bot,
  button,
  card,
  client,
  hook,
  lab,
  meetChallenge,
  type Received,
  sdkHook,
  send,
  settled,
} from './lark-lab.ts';

const quietLogger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {}, trace() {} };
const encryptKey = 'test key';
const encrypting = { tenants: { acme: { apps: { moltbot: { encryptKey } } } } };

interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
}

/** Receives with the SDK's own adapter; it meets challenges, and dies of what it cannot decrypt, when it is asked to. */
async function sdkReceiver(
  key: string,
  { handle = () => {}, autoChallenge = true }: { handle?: (data: Received) => unknown; autoChallenge?: boolean } = {},
): Promise<Receiver> {
  const received: Received[] = [];
  const dispatcher = new EventDispatcher({ encryptKey: key, logger: quietLogger }).register({
    'im.message.receive_v1': (data: unknown) => {
      received.push(data as Received);
      return handle(data as Received);
    },
    'card.action.trigger': (data: unknown) => handle(data as Received),
  });
  const url = await sdkHook(adaptDefault('/events', dispatcher, { autoChallenge }));
  return { url, received };
}

it('is decrypted by the SDK, which knows the vector of the pages', async () => {
  const vector = 'P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=';
  expect(new AESCipher(encryptKey).decrypt(vector)).toBe('hello world');
  const lark = await lab(encrypting);
  const { body } = lark.app().sealRaw({ greeting: '你好' });
  expect(JSON.parse(new AESCipher(encryptKey).decrypt(JSON.parse(body).encrypt))).toEqual({ greeting: '你好' });
});

it('challenges an address before it sends events there, encrypted and signed', async () => {
  const lark = await lab(encrypting);
  const receiver = await sdkReceiver(encryptKey);
  expect(await lark.app().subscribe(receiver.url)).toMatchObject({ accepted: true, status: 200 });
  lark.user('alice').say('ops', '查看 uptime', { mentionBot: true });
  await eventually('the event', () => receiver.received.length === 1);
  expect(receiver.received[0]).toMatchObject({
    tenant_key: lark.app().tenantKey,
    message: { content: '{"text":"@_user_1 查看 uptime"}' },
  });
  const request = await eventually('what was sent', () => lark.deliveries()[0]?.attempts[0]?.request);
  expect(request.body).not.toContain('uptime');
});

it('sends plain JSON without a signature when there is no key', async () => {
  const lark = await lab();
  const plain = await hook(meetChallenge);
  await lark.app().subscribe(plain.url);
  lark.user('alice').say('ops', 'hello');
  await settled(lark, 1);
  const [challenge = '', event = ''] = plain.bodies;
  expect(JSON.parse(challenge)).toMatchObject({ type: 'url_verification', token: lark.app().verificationToken });
  expect(JSON.parse(event)).toMatchObject({ schema: '2.0', header: { token: lark.app().verificationToken } });
  expect(plain.headers[1]).not.toHaveProperty('x-lark-signature');
});

it('stays with the long connection when the challenge is not met', async () => {
  const lark = await lab();
  const wrong = await hook((_body, response) => response.end('{"challenge":"x"}'));
  expect(await lark.app().subscribe(wrong.url)).toMatchObject({ accepted: false, status: 200 });
  expect(await lark.app().subscribe('http://127.0.0.1:1/')).toMatchObject({ accepted: false, status: 0 });
  const made = await bot(lark);
  lark.user('alice').say('ops', 'hello');
  await eventually('the event', () => made.received.length === 1);
  expect(wrong.bodies).toHaveLength(1);
});

it('signs the bytes that it sends, which is not what the SDK checks when they are spaced', async () => {
  const lark = await lab(encrypting);
  const own = await hook((body, response) => response.end(body.includes('challenge') ? body : '{}'));
  lark.faults.spacedJson(true);
  const { headers, body } = lark.app().seal({ type: 'im.message.receive_v1', event: {} }, { spaced: true });
  const signed = `${headers['x-lark-request-timestamp']}${headers['x-lark-request-nonce']}${encryptKey}${body}`;
  expect(headers['x-lark-signature']).toBe(createHash('sha256').update(signed).digest('hex'));
  expect(body).not.toBe(JSON.stringify(JSON.parse(body)));
  await lark.app().post(own.url, { headers, body });
  expect(own.bodies).toEqual([body]);

  // The SDK signs JSON.stringify of what it parsed: it answers 200, and drops the event.
  const receiver = await sdkReceiver(encryptKey);
  expect(await lark.app().post(receiver.url, { headers, body })).toMatchObject({ status: 200, body: '' });
  const compact = lark.app().seal({ type: 'im.message.receive_v1', event: {} });
  await lark.app().post(receiver.url, compact);
  expect(receiver.received).toHaveLength(1);
});

it('can be tampered with, replayed, and left unsigned', async () => {
  const lark = await lab(encrypting);
  const receiver = await sdkReceiver(encryptKey, { autoChallenge: false });
  const event = { type: 'im.message.receive_v1', event: { message: { message_id: 'om_1' } } };
  const { headers, body } = lark.app().seal(event);
  const changed = { headers, body: body.replace(/.{8}"}$/, 'AAAAAAA="}') };
  await lark.app().post(receiver.url, changed);
  await lark.app().post(receiver.url, { headers: { ...headers, 'x-lark-signature': 'deadbeef' }, body });
  await lark.app().post(receiver.url, lark.app().seal(event, { signed: false }));
  expect(receiver.received).toEqual([]);

  // A year old, and still taken: the SDK looks at no times. Neither does it mind plain text that is signed.
  const yearAgo = String(Math.floor(Date.now() / 1000) - 365 * 86_400);
  await lark.app().post(receiver.url, lark.app().seal(event, { timestamp: yearAgo }));
  await lark.app().post(receiver.url, lark.app().seal(event, { encrypted: false }));
  expect(receiver.received).toHaveLength(2);
});

it('replays what was sent, byte for byte', async () => {
  const lark = await lab(encrypting);
  const receiver = await sdkReceiver(encryptKey);
  await lark.app().subscribe(receiver.url);
  lark.user('alice').say('ops', 'once');
  await settled(lark, 1);
  const request = lark.deliveries()[0]?.attempts[0]?.request;
  expect(request).toBeDefined();
  if (request) await lark.app().post(receiver.url, request);
  expect(receiver.received.map(({ event_id }) => event_id)).toEqual([
    receiver.received[0]?.event_id,
    receiver.received[0]?.event_id,
  ]);
});

it('writes odd times when it is asked to, as the platform was seen to', async () => {
  const lark = await lab(encrypting);
  const receiver = await sdkReceiver(encryptKey);
  await lark.app().subscribe(receiver.url);
  lark.faults.oddTimestamps(true);
  lark.user('alice').say('ops', 'hello');
  await settled(lark, 1);
  const header = lark.deliveries()[0]?.attempts[0]?.request?.headers['x-lark-request-timestamp'];
  expect(header).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0800 CST m=\+/);
  expect(receiver.received).toHaveLength(1);
});

it('sends again after anything but a 200 in time, four times', async () => {
  const lark = await lab({ timing: { acknowledge: 2_000, retryScale: 0.0001 } });
  let posts = 0;
  const moody = await hook((body, response) => {
    if (body.includes('url_verification')) return meetChallenge(body, response);
    posts += 1;
    if (posts === 1) response.writeHead(500).end();
    else if (posts === 2) response.writeHead(302, { location: '/' }).end();
    else if (posts === 4) response.end('{}');
  });
  await lark.app().subscribe(moody.url);
  lark.user('alice').say('ops', 'hello');
  await settled(lark, 1);
  expect(lark.deliveries()[0]).toMatchObject({
    state: 'acknowledged',
    attempts: [{ outcome: 'refused' }, { outcome: 'refused' }, { outcome: 'timeout' }, { outcome: 'acknowledged' }],
  });
});

it('waits 15 seconds, 5 minutes, 1 hour and 6 hours in between, scaled', async () => {
  const lark = await lab({ timing: { retryScale: 0.00002 } });
  const failing = await hook((body, response) => {
    if (body.includes('url_verification')) meetChallenge(body, response);
    else response.writeHead(503).end();
  });
  await lark.app().subscribe(failing.url);
  lark.user('alice').say('ops', 'hello');
  await settled(lark, 1);
  const [delivery] = lark.deliveries();
  expect(delivery).toMatchObject({ state: 'given up', attempts: [{}, {}, {}, {}, {}] });
  const gaps = delivery?.attempts.slice(1).map(({ at }, index) => at - (delivery.attempts[index]?.at ?? 0)) ?? [];
  for (const [index, least] of [0, 5, 70, 430].entries()) expect(gaps[index]).toBeGreaterThanOrEqual(least);
});

it('brings cards their callbacks, and takes toasts back', async () => {
  const lark = await lab(encrypting);
  const receiver = await sdkReceiver(encryptKey, {
    handle: ({ action }) => ({ toast: { type: 'info', content: `pressed ${JSON.stringify(action['value'])}` } }),
  });
  await lark.app().subscribe(receiver.url);
  const id = await send(lark, client(lark), card([button('Go', { verb: 'go' })]));
  expect(await lark.user('alice').press(id, 'Go')).toMatchObject({
    ok: true,
    toast: { type: 'info', text: 'pressed {"verb":"go"}' },
  });
  lark.app().unsubscribe();
  expect(await lark.user('alice').press(id, 'Go')).toMatchObject({ ok: false });
});

it('sends slowly, cut in the middle of a character, when it is asked to', async () => {
  const lark = await lab();
  const own = await hook((_body, response) => response.end('{}'));
  const sealed = lark.app().sealRaw({ text: '很长的一行'.repeat(10) });
  expect(await lark.app().post(own.url, sealed, { chunk: 7 })).toMatchObject({ status: 200 });
  expect(own.bodies).toEqual([sealed.body]);
});
