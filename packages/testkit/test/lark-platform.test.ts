import { DefaultCache } from '@larksuiteoapi/node-sdk';
import { eventually } from '@moltbot/testkit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answerOf, bot, button, card, client, impatient, lab, markdown, raw, send, tokenOf } from './lark-lab.ts';

const tokenRoute = 'POST /auth/v3/tenant_access_token/internal';
const twoTenants = {
  tenants: {
    red: { apps: { moltbot: {} }, groups: { operators: ['alice'] } },
    blue: { apps: { moltbot: {}, other: {} } },
  },
};

it('gives out a token that lasts, and another one when it is about to end', async () => {
  const lark = await lab({ timing: { token: 8_000 } });
  const [first, same] = [await tokenOf(lark), await tokenOf(lark)];
  expect(same).toBe(first);
  expect((await raw(lark, '/open-apis/bot/v3/info', { token: first })).answer).toMatchObject({
    code: 0,
    bot: { app_name: 'moltbot', open_id: lark.app().botOpenId },
  });
  const next = await eventually('another one', async () => {
    const token = await tokenOf(lark);
    return token !== first && token;
  });
  for (const token of [first, next]) {
    expect((await raw(lark, '/open-apis/bot/v3/info', { token })).answer.code).toBe(0);
  }
  await eventually('the end of the first', async () => {
    const { status, answer } = await raw(lark, '/open-apis/bot/v3/info', { token: first });
    return status === 400 && answer.code === 99991663;
  });
  expect((await raw(lark, '/open-apis/bot/v3/info', { token: next })).status).toBe(200);
});

it('refuses unknown apps and wrong secrets with a 200', async () => {
  const lark = await lab();
  const ask = (app_id: string, app_secret: string) =>
    raw(lark, '/open-apis/auth/v3/tenant_access_token/internal', { body: { app_id, app_secret } });
  expect(await ask(lark.app().id, 'wrong')).toMatchObject({ status: 200, answer: { code: 10014 } });
  expect(await ask('cli_0', 'x')).toMatchObject({ status: 200, answer: { code: 10003 } });
  const stranger = client(lark, undefined, { appSecret: 'wrong', cache: new DefaultCache() });
  await expect(send(lark, stranger, 'x')).rejects.toThrow('code: 10014');
});

it('meets a client that keeps a revoked token for ever, and asks five times at once for the first one', async () => {
  const lark = await lab();
  const made = client(lark, undefined, { cache: new DefaultCache() });
  await Promise.all(Array.from({ length: 5 }, () => made.im.v1.chat.list()));
  expect(lark.counters.tokens).toBe(5);
  lark.faults.revokeTokens();
  for (const _ of [1, 2]) expect(await answerOf(made.im.v1.chat.list())).toMatchObject({ status: 400, code: 99991663 });
  expect(lark.counters.tokens).toBe(5);
  const fresh = client(lark, undefined, { cache: new DefaultCache() });
  expect(await answerOf(fresh.im.v1.chat.list())).toMatchObject({ code: 0 });
});

it("gives a cache of one's own symbols as keys and a time in milliseconds", async () => {
  const lark = await lab();
  const kept: { key: unknown; until: number; namespace: string | undefined }[] = [];
  const cache = {
    get: async () => undefined,
    set: async (key: unknown, _value: unknown, until = 0, options: { namespace?: string } = {}) => {
      kept.push({ key, until, namespace: options.namespace });
      return true;
    },
  };
  await client(lark, undefined, { cache }).im.v1.chat.list();
  expect(String(kept[0]?.key)).toBe('Symbol(tenant-access-token)');
  expect(kept[0]?.namespace).toBe(lark.app().id);
  expect(Math.abs((kept[0]?.until ?? 0) - (Date.now() + (7_200 - 180) * 1_000))).toBeLessThan(2_000);
});

it('keeps tenants apart: their chats, their people, and the ids of them', async () => {
  const lark = await lab(twoTenants);
  const [red, blue] = [client(lark, 'red/moltbot'), client(lark, 'blue/moltbot')];
  const inRed = await bot(lark, { app: 'red/moltbot' });
  const inBlue = await bot(lark, { app: 'blue/moltbot' });
  lark.user('red/alice').say('ops', 'in red');
  lark.user('blue/alice').say('ops', 'in blue');
  await eventually('both', () => inRed.received.length === 1 && inBlue.received.length === 1);
  expect([inRed.heard(), inBlue.heard()]).toEqual([['in red'], ['in blue']]);
  expect(inRed.received[0]?.tenant_key).not.toBe(inBlue.received[0]?.tenant_key);
  expect(lark.app('red/moltbot').tenantKey).toBe(inRed.received[0]?.tenant_key);

  const into = (receive_id: string, receive_id_type: 'chat_id' | 'open_id') =>
    answerOf(
      red.im.v1.message.create({
        params: { receive_id_type },
        data: { receive_id, msg_type: 'text', content: '{"text":"x"}' },
      }),
    );
  expect(await into(lark.chatId('blue/ops'), 'chat_id')).toMatchObject({ code: 230002 });
  expect(await into(lark.user('blue/alice').openId(), 'open_id')).toMatchObject({ code: 99992361 });
  expect(await into('ou_nobody', 'open_id')).toMatchObject({ code: 230001 });
  const theirs = lark.messages('blue/ops')[0];
  expect(await answerOf(red.im.v1.message.get({ path: { message_id: String(theirs?.id) } }))).toMatchObject({
    code: 99992354,
  });
  const chats = await blue.im.v1.chat.list();
  expect(chats.data?.items?.map(({ chat_id }) => chat_id)).not.toContain(lark.chatId('red/ops'));
  expect(() => lark.user('alice')).toThrow('more than one user alice; there are red/alice, red/bob, blue/alice');
});

it('calls a user by another open id in every app', async () => {
  const lark = await lab(twoTenants);
  const alice = lark.user('blue/alice');
  expect(alice.openId('blue/moltbot')).not.toBe(alice.openId('other'));
  const user = await client(lark, 'other').contact.v3.user.get({
    path: { user_id: alice.openId('other') },
    params: { user_id_type: 'open_id' },
  });
  expect(user.data?.user).toMatchObject({ name: 'Alice', open_id: alice.openId('other') });
  const crossed = client(lark, 'other').contact.v3.user.get({
    path: { user_id: alice.openId('blue/moltbot') },
    params: { user_id_type: 'open_id' },
  });
  expect(await answerOf(crossed)).toMatchObject({ code: 99992361 });
});

it('knows groups, members, and who belongs to which', async () => {
  const lark = await lab(twoTenants);
  const made = client(lark, 'red/moltbot');
  const members = await made.im.v1.chatMembers.get({ path: { chat_id: lark.chatId('red/ops') } });
  expect(members.data?.items?.map(({ name }) => name)).toEqual(['Alice', 'Bob']);
  const groups = await made.contact.v3.group.simplelist();
  const [operators] = groups.data?.grouplist ?? [];
  expect(operators).toMatchObject({ name: 'operators', member_user_count: 1 });
  const belongs = async (user: string) => {
    const params = { member_id: lark.user(user).openId(), member_id_type: 'open_id' as const };
    return (await made.contact.v3.group.memberBelong({ params })).data?.group_list;
  };
  expect(await belongs('red/alice')).toEqual([operators?.id]);
  expect(await belongs('red/bob')).toEqual([]);
  const elsewhere = made.im.v1.chatMembers.get({ path: { chat_id: lark.chatId('blue/ops') } });
  expect(await answerOf(elsewhere)).toMatchObject({ code: 232006 });
});

it('refuses what no scope allows, and leaves out names and histories', async () => {
  const scopes = ['im:message', 'contact:contact.base:readonly'];
  const lark = await lab({ tenants: { acme: { apps: { moltbot: { scopes } } } } });
  const made = client(lark);
  expect(await answerOf(made.im.v1.chat.list())).toMatchObject({ status: 400, code: 99991672 });
  const user = await made.contact.v3.user.get({ path: { user_id: lark.user('alice').openId() } });
  expect(user.data?.user).not.toHaveProperty('name');
  const history = made.im.v1.message.list({
    params: { container_id_type: 'chat', container_id: lark.chatId('ops') },
  });
  expect(await answerOf(history)).toMatchObject({ code: 230027 });
});

it('limits a route to so many requests a second, and says when to come again', async () => {
  const lark = await lab({ limits: { perSecond: 3 } });
  const token = await tokenOf(lark);
  const answers = [];
  for (let index = 0; index < 4; index += 1) answers.push(await raw(lark, '/open-apis/bot/v3/info', { token }));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  const [, , , refused] = answers;
  expect(refused?.answer).toMatchObject({ code: 99991400, msg: 'request trigger frequency limit' });
  expect(refused?.headers.get('x-ogw-ratelimit-limit')).toBe('3');
  expect(Number(refused?.headers.get('x-ogw-ratelimit-reset'))).toBeGreaterThanOrEqual(1);
  await eventually(
    'it is well again',
    async () => (await raw(lark, '/open-apis/bot/v3/info', { token })).status === 200,
  );
});

it('limits a minute, too', async () => {
  const lark = await lab({ limits: { perMinute: 2 } });
  const token = await tokenOf(lark);
  const ask = () => raw(lark, '/open-apis/im/v1/chats', { token });
  expect([await ask(), await ask(), await ask()].map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(Number((await ask()).headers.get('x-ogw-ratelimit-reset'))).toBeGreaterThan(50);
});

it('takes five messages a second into a group, from all bots together, and five updates of one message', async () => {
  const lark = await lab({ tenants: { acme: { apps: { moltbot: {}, other: {} } } } });
  const [one, other] = [client(lark), client(lark, 'other')];
  const content = JSON.stringify({ text: 'x' });
  const create = (index: number) =>
    answerOf(
      (index % 2 === 0 ? one : other).im.v1.message.create({
        params: { receive_id_type: 'chat_id' },
        data: { receive_id: lark.chatId('ops'), msg_type: 'text', content },
      }),
    );
  const sent = await Promise.all(Array.from({ length: 7 }, (_, index) => create(index)));
  expect(sent.map(({ code }) => code).toSorted()).toEqual([0, 0, 0, 0, 0, 230020, 230020]);
  expect(lark.messages('ops')).toHaveLength(5);
  expect(lark.counters.rateLimited.get('POST /im/v1/messages')).toBe(2);

  const id = await send(lark, one, card([markdown('0')]), 'general');
  const patch = (index: number) =>
    answerOf(
      one.im.v1.message.patch({
        path: { message_id: id },
        data: { content: JSON.stringify(card([markdown(`${index}`)])) },
      }),
    );
  const patched = await Promise.all(Array.from({ length: 6 }, (_, index) => patch(index)));
  expect(patched.map(({ code }) => code).toSorted()).toEqual([0, 0, 0, 0, 0, 230020]);
});

it('hangs, cuts, is slow and storms on command, and counts it', async () => {
  const lark = await lab();
  const made = client(lark, undefined, { httpInstance: impatient(2_000) });
  const text = () => answerOf(send(lark, made, 'x'));
  lark.faults.slow(tokenRoute, 100);
  const began = performance.now();
  expect(await text()).toMatchObject({ status: 200 });
  expect(performance.now() - began).toBeGreaterThan(95);
  lark.faults.hang('POST /im/v1/messages', { after: true });
  expect(await text()).toMatchObject({ status: 0 });
  expect(lark.messages('ops')).toHaveLength(2);
  lark.faults.cutRequest('POST /im/v1/messages');
  expect(await text()).toMatchObject({ status: 0 });
  const storm = lark.faults.rateLimit('POST /im/v1/messages', { resetSeconds: 1, times: 2 });
  lark.faults.rateLimit('POST /im/v1/messages', { resetSeconds: 1, status: 400 });
  lark.faults.refuse('POST /im/v1/messages', { code: 11232, message: 'create message trigger rate limit' });
  expect([await text(), await text(), await text(), await text()]).toMatchObject([
    { status: 429, code: 99991400 },
    { status: 429, code: 99991400 },
    { status: 400, code: 99991400 },
    { status: 400, code: 11232 },
  ]);
  expect(lark.counters.rateLimited.get('POST /im/v1/messages')).toBe(4);
  expect(storm.given()).toBe(2);
  lark.faults.rateLimit('POST /im/v1/messages', { resetSeconds: 1, times: 100 }).end();
  expect(await text()).toMatchObject({ status: 200 });
  expect(lark.requests().filter(({ status }) => status === 0)).toHaveLength(2);
  lark.faults.fail('*', { times: 5 });
  lark.faults.clear();
  expect(await text()).toMatchObject({ status: 200 });
});

it('comes back after a restart on the same port, with all that it knew', async () => {
  const lark = await lab();
  const made = client(lark);
  const listener = await bot(lark);
  await send(lark, made, 'before');
  await lark.faults.offline();
  expect(await answerOf(send(lark, made, 'lost'))).toMatchObject({ status: 0 });
  await lark.faults.online();
  await send(lark, made, 'after');
  expect(lark.messages('ops').map(({ text }) => text)).toEqual(['before', 'after']);
  await eventually('it is back', () => listener.reconnects() === 1);
  await lark.faults.restart();
  await eventually('and again', () => listener.reconnects() === 2);
});

it('draws messages as a client does, in the language of the client', async () => {
  const lark = await lab();
  const made = client(lark);
  const title = { tag: 'plain_text', content: 'Job 7', i18n_content: { zh_cn: '任务 7' } };
  const alice = lark.user('alice').openId();
  const id = await send(
    lark,
    made,
    card(
      [
        markdown(
          `**done** by <at id=${alice}></at>\n\`\`\`\n<b>raw</b>\n\`\`\`\n- one\n- <font color='red'>two</font>`,
        ),
        markdown('| host | state |\n| --- | --- |\n| web-1 | ok |'),
        button('Rerun', { verb: 'rerun' }, { type: 'primary' }),
      ],
      { header: { title, template: 'green' } },
    ),
  );
  const html = lark.renderHtml(id);
  for (const part of [
    '<header class="green"><b>Job 7</b>',
    '<b>done</b> by <span class="at">@Alice</span>',
    '<pre>&lt;b&gt;raw&lt;/b&gt;</pre>',
    '<ul><li>one</li><li><span class="red">two</span></li></ul>',
    '<tr><td>web-1</td><td>ok</td></tr>',
    '<button class="primary">Rerun</button>',
  ]) {
    expect(html).toContain(part);
  }
  expect(lark.renderHtml(id, { locale: 'zh_cn' })).toContain('<b>任务 7</b>');
  expect(lark.renderHtml(lark.user('bob').say('ops', 'hi').id)).toContain('<div class="bubble">hi</div>');
});

it('makes nothing of what is written but what it draws itself', async () => {
  const lark = await lab({ limits: { perChat: 10_000, perSecond: 10_000, perMinute: 100_000 } });
  const made = client(lark);
  const pieces = [
    '<script>',
    '<img src=x onerror=1>',
    '"',
    "'",
    '`',
    '*',
    '**',
    '[a](https://b)',
    '|',
    '\n',
    '# ',
    '- ',
    'é',
  ];
  const written = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(written, async (parts) => {
      const html = lark.renderHtml(await send(lark, made, card([markdown(parts.join(''))])));
      expect(html).not.toMatch(/<script|<img[^>]*onerror/);
    }),
    { numRuns: 60 },
  );
});
