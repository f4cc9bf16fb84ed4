import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, type LarkMessage, startLark, type TestLark } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChatLab, startChatLab } from './lab.ts';

const encryptKey = 'a key to encrypt with';

/** What Lark has beside what every platform has; all of it by webhook, encrypted and signed. */
describe('Lark by webhook', () => {
  let lark: TestLark;
  let lab: ChatLab;
  let url: string;
  beforeAll(async () => {
    lark = await startLark({
      tenants: {
        acme: {
          apps: { moltbot: { encryptKey } },
          users: { alice: {}, bob: {}, wang: { locale: 'zh_cn' }, mallory: {} },
          chats: { ops: {}, operators: { members: ['alice', 'bob', 'wang'] } },
        },
      },
    });
    const { id, secret, verificationToken } = lark.app();
    const port = await freePort();
    const config = {
      lark: {
        main: {
          ...{ appId: id, appSecret: secret, api: lark.domain, groups: [lark.chatId('operators')] },
          ...{ mode: 'webhook', encryptKey, verificationToken, webhook: { port, path: '/lark/events' } },
        },
      },
    };
    lab = await startChatLab({ name: 'lark', channel: () => lark.chatId('ops'), config });
    url = `http://127.0.0.1:${port}/lark/events`;
    expect(await lark.app().subscribe(url)).toMatchObject({ accepted: true });
  }, 60_000);
  afterAll(async () => {
    await lab?.stop();
    await lark?.stop();
  });

  type Saying = Parameters<ReturnType<TestLark['user']>['say']>[2];
  const say = (text: string, { user = 'alice', ...options }: Saying & { user?: string } = {}): LarkMessage =>
    lark.user(user).say('ops', text, { mentionBot: true, ...options });
  const ofBot = () => lark.messages('ops').filter(({ byBot }) => byBot);
  const answerTo = ({ id }: Pick<LarkMessage, 'id'>, ...parts: readonly string[]): Promise<LarkMessage> =>
    eventually(`an answer with ${parts.join(', ')}`, () =>
      ofBot().find(({ replyTo, text }) => replyTo === id && parts.every((part) => text.includes(part))),
    );
  const deliveries = (type: string) => lark.deliveries().filter((delivery) => delivery.type === type);

  test('a command is taken and answered', async () => {
    await answerTo(say('run on:web-1 -- echo $((40 + 2))'), '\n42\n', 'succeeded');
    const [delivery] = deliveries('im.message.receive_v1');
    expect(delivery).toMatchObject({ state: 'acknowledged', attempts: [{ via: url, outcome: 'acknowledged' }] });
    const { headers = {}, body = '' } = delivery?.attempts[0]?.request ?? {};
    expect(headers['x-lark-signature']).toMatch(/^[0-9a-f]{64}$/);
    expect(Object.keys(JSON.parse(body))).toEqual(['encrypt']);
  });

  test('a button is answered in its callback, with words for who pressed it alone', async () => {
    const asked = say('run on:web-1 -- echo begun; sleep 600');
    const running = await answerTo(asked, '\nbegun\n', 'running');
    const { ok, toast, afterMs } = await lark.user('bob').press(running.id, 'Cancel');
    expect([ok, toast?.text]).toEqual([true, expect.stringContaining('is being cancelled')]);
    expect(afterMs).toBeLessThan(3_000);
    const ended = await answerTo(asked, 'cancelled');
    expect(ended.id).toBe(running.id);
    expect(deliveries('card.action.trigger').at(-1)?.attempts).toMatchObject([{ via: url, outcome: 'acknowledged' }]);
  });

  test('what somebody else posts there is refused, and nothing is run', async () => {
    const marker = join(lab.directory, 'forged');
    const sender = { sender_id: { open_id: lark.user('alice').openId() }, sender_type: 'user' };
    const content = JSON.stringify({ text: `run on:web-1 -- touch ${marker}` });
    const message = {
      ...{ message_id: 'om_forged', create_time: String(Date.now()), chat_id: lark.chatId('@alice') },
      ...{ chat_type: 'p2p', message_type: 'text', content },
    };
    const event = { type: 'im.message.receive_v1', event: { sender, message } };
    const { headers, body } = lark.app().seal(event);
    const forged = { ...headers, 'x-lark-signature': '0'.repeat(64) };
    expect((await lark.app().post(url, { headers: forged, body })).status).toBe(401);
    expect((await lark.app().post(url, lark.app().seal(event, { encrypted: false }))).status).toBe(400);
    await answerTo(say('run on:web-1 -- echo after it'), 'after it', 'succeeded');
    expect(existsSync(marker)).toBe(false);
    // The same, as the platform would send it, is no forgery.
    expect((await lark.app().post(url, lark.app().seal(event))).status).toBe(200);
    await eventually('it is run', () => existsSync(marker));
  });

  test('an event that comes twice is handled once', async () => {
    lark.faults.repeatEvents('im.message.receive_v1');
    const counter = join(lab.directory, 'runs');
    const asked = say(`run on:web-1 -- echo x >> ${counter}; cat ${counter}`);
    await answerTo(asked, '\nx\n', 'succeeded');
    await answerTo(say('run on:web-1 -- echo next'), 'next', 'succeeded');
    expect(ofBot().filter(({ replyTo }) => replyTo === asked.id)).toHaveLength(1);
    const again = await answerTo(say(`run on:web-1 -- grep -c x ${counter}`), 'succeeded');
    expect(again.text).toContain('\n1\n');
  });

  test('what is said in a thread is answered there, with its files', async () => {
    const topic = lark.user('bob').say('ops', 'a topic');
    const asked = say('run on:web-1 -- seq 1 5000', { replyTo: topic.id, inThread: true });
    const said = await answerTo(asked, '\n5000\n', 'succeeded');
    const file = await eventually('its file', () => ofBot().find(({ replyTo }) => replyTo === said.id));
    expect(file.file?.text()).toContain('\n4999\n5000\n');
    expect(asked.threadId).toMatch(/./);
    expect([said.threadId, file.threadId]).toEqual([asked.threadId, asked.threadId]);
    const outside = await answerTo(say('run on:web-1 -- echo outside'), 'outside', 'succeeded');
    expect(outside.threadId).toBeUndefined();
  });

  test('a command that replies to a file runs what is in it', async () => {
    const file = lark.user('bob').sendFile('ops', { name: 'count.sh', data: 'seq 3 |\n  paste -sd+\n' });
    await answerTo(say('run on:web-1', { replyTo: file.id }), '1+2+3', 'succeeded');
    // Of two that are given none is guessed at.
    await answerTo(say('run on:web-1 -- echo both', { replyTo: file.id }), 'MOLT_CHAT_COMMAND', 'count.sh');
    const binary = lark.user('bob').sendFile('ops', { name: 'a.bin', data: new Uint8Array([0, 255, 254]) });
    await answerTo(say('run on:web-1', { replyTo: binary.id }), 'MOLT_CHAT_COMMAND', 'a.bin');
    const words = lark.user('bob').say('ops', 'what about the uptime?');
    await answerTo(say('run on:web-1 -- echo $((1 + 1))', { replyTo: words.id }), '\n2\n', 'succeeded');
  });

  test('somebody who has chosen Chinese reads it in cards, buttons and what they are told alone', async () => {
    const wang = { user: 'wang' };
    await answerTo(say('language 中文', wang), '中文');
    const asked = say('run on:web-1 -- echo begun; sleep 600', wang);
    const running = await answerTo(asked, '\nbegun\n', '运行中');
    const { toast } = await lark.user('wang').press(running.id, '取消');
    expect(toast?.text).toBe('正在取消。');
    const ended = await answerTo(asked, '已取消');
    expect(ended.buttons.map(({ label }) => label)).toEqual(['重新运行', '详情']);
    const question = await answerTo(say('risky.deploy on:web-1 version=6', wang), '6');
    expect(question.buttons.map(({ label }) => label)).toEqual(['立即运行', '忽略']);
    const refused = await answerTo(say('run on:nowhere -- id', wang), 'MOLT_NO_TARGETS');
    expect(refused.text).toMatch(/\p{sc=Han}/u);
    // Others go on in English, about the same task too.
    expect((await lark.user('bob').press(ended.id, '详情')).ok).toBe(true);
    const details = await eventually('details', () => ofBot().find(({ replyTo }) => replyTo === ended.id));
    expect(details.text).toContain('Details of');
    await lab.restart();
    await answerTo(say('whoami', wang), '语言');
  });
});
