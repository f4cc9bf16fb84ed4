import type { Client } from '@larksuiteoapi/node-sdk';
import { eventually, type TestLark } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { answerOf, bot, button, card, client, lab, markdown, raw, send, tokenOf } from './lark-lab.ts';

const refusalFor = async (lark: TestLark, made: Client, content: object): Promise<string> => {
  const create = made.im.v1.message.create({
    params: { receive_id_type: 'chat_id' },
    data: { receive_id: lark.chatId('ops'), msg_type: 'interactive', content: JSON.stringify(content) },
  });
  const { code, msg } = await answerOf(create);
  return `${code} ${msg}`;
};

it('takes cards of version 2.0, and shows them as text and by component', async () => {
  const lark = await lab();
  const made = client(lark);
  const rows = [{ host: 'web-1', state: 'ok' }, { host: 'web-2' }];
  const columns = [{ name: 'host', display_name: 'Host' }, { name: 'state' }];
  const elements = [
    markdown('**2 hosts**', 'head'),
    { tag: 'table', columns, rows },
    {
      tag: 'collapsible_panel',
      header: { title: { tag: 'plain_text', content: 'Output' } },
      elements: [markdown('```\nup 3 days\n```', 'out')],
    },
    {
      tag: 'column_set',
      columns: [
        { tag: 'column', elements: [button('Cancel', { verb: 'cancel' }, { type: 'danger' })] },
        { tag: 'column', elements: [button('Rerun', { verb: 'rerun' }, { disabled: true })] },
      ],
    },
  ];
  const shown = lark.message(await send(lark, made, card(elements)));
  expect(shown?.text).toBe(
    'uptime\n**2 hosts**\nHost | state\nweb-1 | ok\nweb-2 | \n▸ Output\n```\nup 3 days\n```\n[Cancel] [Rerun] (disabled)',
  );
  expect(shown?.elements.find(({ id }) => id === 'out')).toEqual({
    tag: 'markdown',
    id: 'out',
    text: '```\nup 3 days\n```',
  });
  expect(shown?.buttons).toMatchObject([
    { label: 'Cancel', type: 'danger', disabled: false, value: { verb: 'cancel' } },
    { label: 'Rerun', disabled: true },
  ]);
});

it('refuses wrong cards as the platform does, and says where', async () => {
  const lark = await lab({ limits: { perChat: 100 } });
  const made = client(lark);
  const refused = (elements: readonly object[], more?: object) => refusalFor(lark, made, card(elements, more));
  expect(await refused([{ tag: 'action', actions: [] }])).toBe(
    '230099 Failed to create card content, ext=ErrCode: 200861; ErrPath: ROOT -> body -> elements -> [0](tag: action); ' +
      'ErrMsg: cards of schema V2 no longer support this capability; ErrorValue: unsupported tag action;',
  );
  expect(await refused([markdown('a'), { tag: 'terminal' }])).toContain(
    '[1](tag: terminal); ErrMsg: parse card json err',
  );
  expect(await refused([markdown('a', 'x'), markdown('b', 'x')])).toContain('ErrCode: 300301');
  expect(await refused([markdown('a', 'not-an-id')])).toContain('elementID format error');
  expect(await refused([], { schema: '1.0' })).toContain('ErrCode: 300303');
  expect(await refused([], { config: { update_multi: false } })).toContain('ErrCode: 300302');
  expect(await refused([{ tag: 'form', elements: [] }])).toContain("form's name is required");
  expect(await refused([{ tag: 'img', img_key: 'img_v3_0' }])).toContain('ErrCode: 200570');
  expect(await refused(Array.from({ length: 201 }, () => ({ tag: 'hr' })))).toContain('ErrCode: 300305');
  const table = '| a | b |\n| --- | --- |\n| 1 | 2 |\n\n';
  expect(await refused([markdown(table.repeat(6))])).toContain('card table number over limit');
  expect(await refused([markdown(`\`\`\`\n${table.repeat(6)}\`\`\``)])).toBe('0 success');
  expect(await refused([markdown(table.repeat(5))])).toBe('0 success');
  expect(await refused([button('a', {}, { type: 'loud' })])).toContain('button type loud is invalid');
  expect(await refusalFor(lark, made, { schema: '2.0' })).toContain('ErrCode: 200621');
  expect(lark.messages('ops')).toHaveLength(2);
});

it('hands a press to the bot, and its answer to who pressed: toast by language, card by force', async () => {
  const lark = await lab();
  const made = client(lark);
  const done = card([markdown('cancelled by Bob'), button('Rerun', { verb: 'rerun' })]);
  const toast = { type: 'success', content: 'Cancelled', i18n: { zh_cn: '已取消', en_us: 'Cancelled' } };
  const pressed: unknown[] = [];
  await bot(lark, {
    handlers: {
      'card.action.trigger': ({ action, operator, context }) => {
        pressed.push({ action, operator, context });
        return { toast, card: { type: 'raw', data: done } };
      },
    },
  });
  const id = await send(lark, made, card([button('Cancel', { verb: 'cancel', job: 7 })]));
  const bob = lark.user('bob');
  expect(await bob.press(id, 'Cancel')).toMatchObject({
    ok: true,
    cardChanged: true,
    toast: { type: 'success', text: '已取消' },
  });
  expect(pressed).toMatchObject([
    {
      action: { tag: 'button', value: { verb: 'cancel', job: 7 } },
      operator: { open_id: bob.openId() },
      context: { open_message_id: id, open_chat_id: lark.chatId('ops') },
    },
  ]);
  expect(lark.message(id)?.text).toBe('uptime\ncancelled by Bob\n[Rerun]');
  await expect(bob.press(id, 'Cancel')).rejects.toThrow('the card has no button Cancel; it has: Rerun');
  const inEnglish = lark.user('bob', { locale: 'en_us' });
  expect(await inEnglish.press(id, 'Rerun')).toMatchObject({ toast: { text: 'Cancelled' } });
});

it('finds buttons by value, fills forms, and follows menus', async () => {
  const lark = await lab();
  const actions: Readonly<Record<string, unknown>>[] = [];
  await bot(lark, { handlers: { 'card.action.trigger': ({ action }) => void actions.push(action) } });
  const menu = [{ text: { tag: 'plain_text', content: 'One' }, value: '1' }];
  const id = await send(
    lark,
    client(lark),
    card([
      button('Go', { verb: 'go', host: 'a' }),
      button('Go', { verb: 'go', host: 'b' }),
      { tag: 'select_static', name: 'which', options: menu },
      {
        tag: 'form',
        name: 'script',
        elements: [
          { tag: 'input', name: 'text' },
          { tag: 'button', name: 'send_7', text: { tag: 'plain_text', content: 'Send' }, form_action_type: 'submit' },
        ],
      },
    ]),
  );
  const alice = lark.user('alice');
  await expect(alice.press(id, 'Go')).rejects.toThrow('2 buttons Go');
  expect(await alice.press(id, { host: 'b' })).toMatchObject({ ok: true, toast: undefined });
  expect(await alice.choose(id, 'which', '1')).toMatchObject({ ok: true });
  await expect(alice.choose(id, 'which', '2')).rejects.toThrow('menu which has no 2');
  await alice.press(id, 'Send', { form: { text: 'uptime' } });
  expect(actions).toMatchObject([
    { value: { verb: 'go', host: 'b' } },
    { tag: 'select_static', option: '1', name: 'which' },
    { name: 'send_7', form_value: { text: 'uptime' } },
  ]);
});

it('tells who pressed that something went wrong when no answer comes in time', async () => {
  const lark = await lab({ timing: { acknowledge: 100 } });
  await bot(lark, { handlers: { 'card.action.trigger': () => new Promise(() => {}) } });
  const id = await send(lark, client(lark), card([button('Cancel', { verb: 'cancel' })]));
  const answer = await lark.user('alice').press(id, 'Cancel');
  expect(answer).toMatchObject({ ok: false, cardChanged: false });
  expect(answer.afterMs).toBeGreaterThanOrEqual(95);
  expect(lark.deliveries()).toMatchObject([{ type: 'card.action.trigger', attempts: [{ outcome: 'timeout' }] }]);
});

it('takes two later updates by the token of a callback, for half an hour', async () => {
  const lark = await lab({ timing: { callbackToken: 3_000 } });
  const made = client(lark);
  const tokens: string[] = [];
  await bot(lark, { handlers: { 'card.action.trigger': ({ token }) => void tokens.push(token) } });
  const id = await send(lark, made, card([button('Go', { verb: 'go' })]));
  const update = (token: string, content: object) =>
    answerOf(
      made.request({
        method: 'POST',
        url: '/open-apis/interactive/v1/card/update',
        data: { token, card: content },
      }),
    );
  await lark.user('alice').press(id, 'Go');
  const token = String(tokens[0]);
  expect(await update('x', card([]))).toMatchObject({ code: 300020 });
  expect(await update(token, card([{ tag: 'nope' }]))).toMatchObject({ code: 11311 });
  expect(await update(token, card([button('Go', { verb: 'go' })]))).toMatchObject({ code: 0 });
  expect(await update(token, card([button('Go', { verb: 'go' }), markdown('twice')]))).toMatchObject({ code: 0 });
  expect(await update(token, card([markdown('thrice')]))).toMatchObject({ code: 300040 });
  expect(lark.message(id)?.text).toContain('twice');
  await lark.user('alice').press(id, 'Go');
  await eventually('its end', async () => (await update(String(tokens[1]), card([]))).code === 300030);
});

it('undoes a later update that comes before the answer', async () => {
  const lark = await lab();
  const made = client(lark);
  await bot(lark, {
    handlers: {
      'card.action.trigger': async ({ token }) => {
        const data = { token, card: card([markdown('too early')]) };
        await made.request({ method: 'POST', url: '/open-apis/interactive/v1/card/update', data });
        return {};
      },
    },
  });
  const id = await send(lark, made, card([button('Go', { verb: 'go' })]));
  await lark.user('alice').press(id, 'Go');
  expect(lark.message(id)?.versions.map(({ text }) => text)).toEqual([
    'uptime\n[Go]',
    'uptime\ntoo early',
    'uptime\n[Go]',
  ]);
});

const streaming = (streaming_mode: boolean) => ({ config: { update_multi: true, streaming_mode } });

async function entity(made: Client, content: object): Promise<string> {
  const created = await made.cardkit.v1.card.create({ data: { type: 'card_json', data: JSON.stringify(content) } });
  return String(created.data?.card_id);
}

const shownBy = (cardId: string) => ({ type: 'card', data: { card_id: cardId } });

const stream = (made: Client, cardId: string, content: string, sequence: number, uuid?: string) =>
  answerOf(
    made.cardkit.v1.cardElement.content({
      path: { card_id: cardId, element_id: 'out' },
      data: { content, sequence, ...(uuid === undefined ? {} : { uuid }) },
    }),
  );

it('streams into a card entity, in the order of its sequence', async () => {
  const lark = await lab();
  const made = client(lark);
  const cardId = await entity(made, card([markdown('…', 'out'), { tag: 'hr', element_id: 'line' }], streaming(true)));
  const id = await send(lark, made, shownBy(cardId));
  expect(await stream(made, cardId, 'one', 1)).toMatchObject({ code: 0 });
  expect(await stream(made, cardId, 'one\ntwo', 3, 'u1')).toMatchObject({ code: 0 });
  expect(await stream(made, cardId, 'stale', 3)).toMatchObject({ status: 400, code: 300317 });
  expect(await stream(made, cardId, 'stale', 2)).toMatchObject({ code: 300317 });
  expect(await stream(made, cardId, 'again', 4, 'u1')).toMatchObject({ code: 200770 });
  expect(await stream(made, cardId, '', 5)).toMatchObject({ code: 10002 });
  expect(lark.message(id)).toMatchObject({ cardId, text: 'uptime\none\ntwo\n---' });
  const onLine = made.cardkit.v1.cardElement.content({
    path: { card_id: cardId, element_id: 'line' },
    data: { content: 'x', sequence: 6 },
  });
  expect(await answerOf(onLine)).toMatchObject({ code: 300310 });

  const settings = JSON.stringify({ config: { streaming_mode: false } });
  await made.cardkit.v1.card.settings({ path: { card_id: cardId }, data: { settings, sequence: 6 } });
  expect(await stream(made, cardId, 'late', 7)).toMatchObject({ code: 300309 });
  const next = JSON.stringify(card([markdown('final', 'out')]));
  await made.cardkit.v1.card.update({
    path: { card_id: cardId },
    data: { card: { type: 'card_json', data: next }, sequence: 8 },
  });
  expect(lark.message(id)?.text).toBe('uptime\nfinal');
  expect(lark.counters.cardOperations.get(cardId)).toBe(10);
});

it('ends the streaming mode by itself', async () => {
  const lark = await lab({ timing: { streaming: 200 }, limits: { perCard: 1_000 } });
  const made = client(lark);
  const cardId = await entity(made, card([markdown('…', 'out')], streaming(true)));
  expect(await stream(made, cardId, 'one', 1)).toMatchObject({ code: 0 });
  let sequence = 1;
  const next = async (): Promise<number> => {
    sequence += 1;
    return (await stream(made, cardId, `line ${sequence}`, sequence)).code;
  };
  await eventually('the end', async () => (await next()) === 200850);
  expect(await next()).toBe(200850);
});

it('sends an entity once, but answers a repeated request like the first', async () => {
  const lark = await lab();
  const made = client(lark);
  const cardId = await entity(made, card([markdown('x')]));
  const create = (uuid?: string) =>
    made.im.v1.message.create({
      params: { receive_id_type: 'chat_id' },
      data: {
        ...{ receive_id: lark.chatId('ops'), msg_type: 'interactive', content: JSON.stringify(shownBy(cardId)) },
        ...(uuid === undefined ? {} : { uuid }),
      },
    });
  const first = await create('u');
  expect((await create('u')).data?.message_id).toBe(first.data?.message_id);
  expect(await answerOf(create())).toMatchObject({ code: 230099 });
  const patch = made.im.v1.message.patch({
    path: { message_id: String(first.data?.message_id) },
    data: { content: JSON.stringify(card([])) },
  });
  expect(await answerOf(patch)).toMatchObject({ code: 230001 });
  const converted = await made.cardkit.v1.card.idConvert({ data: { message_id: String(first.data?.message_id) } });
  expect(converted.data?.card_id).toBe(cardId);
});

it('changes, adds and removes components of an entity', async () => {
  const lark = await lab();
  const made = client(lark);
  const cardId = await entity(made, card([markdown('one', 'a'), markdown('two', 'b')]));
  const id = await send(lark, made, shownBy(cardId));
  const { cardElement } = made.cardkit.v1;
  const path = { card_id: cardId, element_id: 'a' };
  await cardElement.create({
    path,
    data: {
      ...{ type: 'insert_before', target_element_id: 'b', sequence: 1 },
      elements: JSON.stringify([markdown('between', 'c')]),
    },
  });
  await cardElement.patch({ path, data: { partial_element: '{"content":"ONE"}', sequence: 2 } });
  await cardElement.update({ path: { ...path, element_id: 'b' }, data: { element: '{"tag":"hr"}', sequence: 3 } });
  expect(lark.message(id)?.text).toBe('uptime\nONE\nbetween\n---');
  await cardElement.delete({ path, data: { sequence: 4 } });
  expect(lark.message(id)?.elements.map((element) => element.id)).toEqual(['c', 'b']);
  expect(await answerOf(cardElement.delete({ path, data: { sequence: 5 } }))).toMatchObject({ code: 300314 });
  const doubled = cardElement.create({
    path,
    data: { type: 'append', elements: JSON.stringify([markdown('x', 'c')]), sequence: 6 },
  });
  expect(await answerOf(doubled)).toMatchObject({ code: 300301 });
});

it('does so many operations on an entity in a second, and lives for 14 days', async () => {
  const lark = await lab({ limits: { perCard: 3 } });
  const made = client(lark);
  const cardId = await entity(made, card([markdown('…', 'out')], streaming(true)));
  const id = await send(lark, made, shownBy(cardId));
  const answers: number[] = [];
  for (let index = 1; index <= 5; index += 1) answers.push((await stream(made, cardId, `${index}`, index)).code);
  expect(answers).toEqual([0, 0, 0, 230020, 230020]);
  expect(lark.counters.rateLimited.get('PUT /cardkit/v1/cards/:card_id/elements/:element_id/content')).toBe(2);
  lark.age(id, 15 * 24 * 3_600_000);
  expect(await stream(made, cardId, 'late', 20)).toMatchObject({ code: 200750 });
  expect(await stream(made, '7000000000000000000', 'x', 1)).toMatchObject({ code: 200740 });
});

it('cannot replace a card that streams by the answer to a callback, nor stream while one is open', async () => {
  const lark = await lab();
  const made = client(lark);
  const during: number[] = [];
  let cardId = '';
  await bot(lark, {
    handlers: {
      'card.action.trigger': async () => {
        during.push((await stream(made, cardId, 'meanwhile', 1)).code);
        return { card: { type: 'raw', data: card([markdown('replaced')]) } };
      },
    },
  });
  cardId = await entity(made, card([markdown('…', 'out'), button('Stop', { verb: 'stop' })], streaming(true)));
  const id = await send(lark, made, shownBy(cardId));
  expect(await lark.user('alice').press(id, 'Stop')).toMatchObject({ ok: false, cardChanged: false });
  expect(during).toEqual([200810]);
  expect(lark.message(id)?.text).toContain('[Stop]');
});

it('gives a card to nobody but the app that made it', async () => {
  const lark = await lab({ tenants: { acme: { apps: { moltbot: {}, other: {} } } } });
  const cardId = await entity(client(lark), card([markdown('x', 'out')], streaming(true)));
  expect(await stream(client(lark, 'other'), cardId, 'mine now', 1)).toMatchObject({ code: 300311 });
});

it('sends a press twice on command, as duplicates come', async () => {
  const lark = await lab();
  const seen: { event: string; value: unknown }[] = [];
  await bot(lark, {
    handlers: {
      'card.action.trigger': ({ event_id, action }) => void seen.push({ event: event_id, value: action['value'] }),
    },
  });
  const id = await send(lark, client(lark), card([button('Go', { verb: 'go' })]));
  lark.faults.repeatEvents('card.action.trigger');
  await lark.user('alice').press(id, 'Go');
  await eventually('both', () => seen.length === 2);
  expect(seen[0]?.value).toEqual(seen[1]?.value);
  expect(seen[0]?.event).not.toBe(seen[1]?.event);
});

it('is told in no language but that of the client', async () => {
  const lark = await lab();
  const title = { tag: 'plain_text', content: 'Job', i18n_content: { zh_cn: '任务', en_us: 'Job' } };
  const id = await send(lark, client(lark), card([markdown('x')], { header: { title } }));
  expect(lark.message(id)?.textIn('zh_cn')).toBe('任务\nx');
  expect(lark.message(id)?.text).toBe('Job\nx');
});

it('needs a token for cards as for everything', async () => {
  const lark = await lab();
  const body = { type: 'card_json', data: JSON.stringify(card([])) };
  expect((await raw(lark, '/open-apis/cardkit/v1/cards', { body })).answer.code).toBe(99991661);
  const token = await tokenOf(lark);
  expect((await raw(lark, '/open-apis/cardkit/v1/cards', { body, token })).answer.code).toBe(0);
});
