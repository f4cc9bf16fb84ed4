import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { answerOf, card, client, lab, markdown, raw, send, tokenOf } from './lark-lab.ts';

const text = (written: string): string => JSON.stringify({ text: written });

it('sends, replies, edits, recalls, and shows it all to the SDK and to the test', async () => {
  const lark = await lab();
  const made = client(lark);
  const said = lark.user('alice').say('ops', 'uptime', { mentionBot: true });
  const reply = await made.im.v1.message.reply({
    path: { message_id: said.id },
    data: { msg_type: 'text', content: text('up 3 days') },
  });
  const id = String(reply.data?.message_id);
  expect(reply).toMatchObject({ code: 0, data: { root_id: said.id, parent_id: said.id, chat_id: said.chatId } });
  await made.im.v1.message.update({ path: { message_id: id }, data: { msg_type: 'text', content: text('up 4 days') } });
  const [, shown] = lark.messages('ops');
  expect(shown).toMatchObject({ text: 'up 4 days', author: 'moltbot', byBot: true, replyTo: said.id, type: 'text' });
  expect(shown?.versions.map((version) => version.text)).toEqual(['up 3 days', 'up 4 days']);

  const got = await made.im.v1.message.get({ path: { message_id: id } });
  expect(got.data?.items?.[0]).toMatchObject({ updated: true, body: { content: text('up 4 days') } });
  await made.im.v1.message.delete({ path: { message_id: id } });
  expect(lark.message(id)?.deleted).toBe(true);
  expect(await answerOf(made.im.v1.message.delete({ path: { message_id: id } }))).toMatchObject({ code: 230011 });
  const after = await made.im.v1.message.get({ path: { message_id: id } });
  expect(after.data?.items?.[0]).toMatchObject({ deleted: true, body: { content: 'This message was recalled' } });
});

it('sends once for each uuid and chat, for an hour, even when the first answer was lost', async () => {
  const lark = await lab({ timing: { uuid: 3_000 } });
  const made = client(lark);
  const create = (chat: string) =>
    made.im.v1.message.create({
      params: { receive_id_type: 'chat_id' },
      data: { receive_id: lark.chatId(chat), msg_type: 'text', content: text('done'), uuid: 'job-1' },
    });
  lark.faults.fail('POST /im/v1/messages', { after: true });
  expect(await answerOf(create('ops'))).toMatchObject({ status: 502 });
  const second = await create('ops');
  const third = await create('ops');
  expect(lark.messages('ops')).toHaveLength(1);
  expect(second.data?.message_id).toBe(lark.messages('ops')[0]?.id);
  expect(third.data?.message_id).toBe(second.data?.message_id);
  await create('general');
  expect(lark.messages('general')).toHaveLength(1);
  await expect
    .poll(async () => (await create('ops')).data?.message_id, { timeout: 15_000 })
    .not.toBe(second.data?.message_id);
  expect(lark.messages('ops')).toHaveLength(2);
});

it('keeps threads apart: the chat shows their beginning alone', async () => {
  const lark = await lab();
  const made = client(lark);
  const root = lark.user('alice').say('ops', 'run it');
  const reply = (id: string, written: string, inThread?: boolean) =>
    made.im.v1.message.reply({
      path: { message_id: id },
      data: { msg_type: 'text', content: text(written), ...(inThread ? { reply_in_thread: true } : {}) },
    });
  const first = await reply(root.id, 'in the thread', true);
  const second = await reply(String(first.data?.message_id), 'and so is this');
  const thread = String(first.data?.thread_id);
  expect(second.data).toMatchObject({ thread_id: thread, root_id: root.id });
  lark.user('bob').say('ops', 'thanks', { replyTo: root.id, inThread: true });
  expect(lark.threads('ops')).toMatchObject([{ id: thread, messages: [{}, {}, {}, { text: 'thanks' }] }]);

  const inChat = await made.im.v1.message.list({
    params: { container_id_type: 'chat', container_id: lark.chatId('ops') },
  });
  expect(inChat.data?.items?.map(({ message_id }) => message_id)).toEqual([root.id]);
  const inThread = await made.im.v1.message.list({ params: { container_id_type: 'thread', container_id: thread } });
  expect(inThread.data?.items).toHaveLength(4);
});

it('pages through the history from a second on', async () => {
  const lark = await lab();
  const made = client(lark);
  for (const index of [1, 2, 3, 4, 5]) lark.user('alice').say('ops', `line ${index}`);
  const old = lark.messages('ops')[0];
  lark.age(String(old?.id), 5_000);
  const since = String(Math.floor(Date.now() / 1000) - 2);
  const read = (params: object) =>
    made.im.v1.message.list({
      params: { container_id_type: 'chat', container_id: lark.chatId('ops'), page_size: 3, ...params },
    });
  const first = await read({ start_time: since });
  expect(first.data?.items?.map(({ body }) => JSON.parse(body?.content ?? '').text)).toEqual([
    'line 2',
    'line 3',
    'line 4',
  ]);
  expect(first.data?.has_more).toBe(true);
  const rest = await read({ start_time: since, page_token: first.data?.page_token });
  expect(rest.data).toMatchObject({ has_more: false, items: [{ body: { content: text('line 5') } }] });
  const latest = await read({ sort_type: 'ByCreateTimeDesc' });
  expect(latest.data?.items?.[0]?.body?.content).toBe(text('line 5'));
});

it('patches shared cards of its own that are younger than 14 days', async () => {
  const lark = await lab();
  const made = client(lark);
  const patch = (id: string, content: object) =>
    answerOf(made.im.v1.message.patch({ path: { message_id: id }, data: { content: JSON.stringify(content) } }));
  const id = await send(lark, made, card([markdown('one')]));
  expect(await patch(id, card([markdown('two')]))).toMatchObject({ code: 0 });
  expect(lark.message(id)?.text).toBe('uptime\ntwo');
  expect(lark.counters.edits.get(id)).toBe(1);
  expect(await patch(id, card([markdown('x')], { config: {} }))).toMatchObject({ code: 230099 });
  expect(await patch(await send(lark, made, 'plain'), card([markdown('x')]))).toMatchObject({ code: 230001 });
  const theirs = lark.user('alice').say('ops', 'mine').id;
  expect(await patch(theirs, card([markdown('x')]))).toMatchObject({ code: 230071 });
  lark.age(id, 15 * 24 * 3_600_000);
  expect(await patch(id, card([markdown('three')]))).toMatchObject({ code: 230031 });
  expect(lark.message(id)?.text).toBe('uptime\ntwo');
});

it('lets a text be edited twenty times', async () => {
  const lark = await lab();
  const made = client(lark);
  const id = await send(lark, made, 'line 0');
  const edit = (index: number) =>
    answerOf(
      made.im.v1.message.update({
        path: { message_id: id },
        data: { msg_type: 'text', content: text(`line ${index}`) },
      }),
    );
  for (let index = 1; index <= 20; index += 1) expect(await edit(index)).toMatchObject({ code: 0 });
  expect(await edit(21)).toMatchObject({ status: 400, code: 230072 });
  expect(lark.message(id)?.text).toBe('line 20');
});

it('refuses what is too long, wrong, or for a chat it is not in', async () => {
  const lark = await lab({ tenants: { acme: { chats: { ops: {}, private: { bots: [] } } } } });
  const made = client(lark);
  const create = (data: object, type = 'chat_id') =>
    answerOf(
      made.im.v1.message.create({
        params: { receive_id_type: type as 'chat_id' },
        data: { receive_id: lark.chatId('ops'), msg_type: 'text', content: text('x'), ...data },
      }),
    );
  expect(await create({ content: text('x'.repeat(150 * 1024)) })).toMatchObject({ status: 400, code: 230025 });
  const big = card([markdown('x'.repeat(30 * 1024))]);
  expect(await create({ msg_type: 'interactive', content: JSON.stringify(big) })).toMatchObject({ code: 230025 });
  expect(await create({ content: 'no json' })).toMatchObject({ code: 230001 });
  expect(await create({ msg_type: 'sticker' })).toMatchObject({ code: 230001 });
  expect(await create({ receive_id: 'oc_0' })).toMatchObject({ code: 230001 });
  expect(await create({ receive_id: lark.chatId('private') })).toMatchObject({ code: 230002 });
  expect(await create({}, 'phone')).toMatchObject({ code: 230001 });
  expect(await answerOf(made.im.v1.message.get({ path: { message_id: 'om_0' } }))).toMatchObject({ code: 99992354 });
  expect(lark.messages('ops')).toEqual([]);
  expect(lark.counters.refusals.get(230025)).toBe(2);
});

it('takes files and images of the SDK and gives back their bytes, and those of people', async () => {
  const lark = await lab();
  const made = client(lark);
  const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
  // A Buffer is sent without a file name; a stream with one.
  const file = await made.im.v1.file.create({ data: { file_type: 'stream', file_name: 'a.bin', file: bytes } });
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), bytes]);
  const image = await made.im.v1.image.create({ data: { image_type: 'message', image: png } });
  expect(await answerOf(made.im.v1.image.create({ data: { image_type: 'message', image: bytes } }))).toMatchObject({
    code: 234011,
  });
  expect(
    await answerOf(made.im.v1.file.create({ data: { file_type: 'stream', file_name: 'e', file: Buffer.alloc(0) } })),
  ).toMatchObject({ code: 234010 });
  const sent = await made.im.v1.message.create({
    params: { receive_id_type: 'chat_id' },
    data: {
      ...{ receive_id: lark.chatId('ops'), msg_type: 'file' },
      content: JSON.stringify({ file_key: file?.file_key }),
    },
  });
  const shown = lark.message(String(sent.data?.message_id));
  expect(shown?.file).toMatchObject({ name: 'a.bin', size: 512 });
  expect(shown?.file?.data().equals(bytes)).toBe(true);
  const wrong = made.im.v1.message.create({
    params: { receive_id_type: 'chat_id' },
    data: {
      ...{ receive_id: lark.chatId('ops'), msg_type: 'file' },
      content: JSON.stringify({ file_key: image?.image_key }),
    },
  });
  expect(await answerOf(wrong)).toMatchObject({ code: 230055 });

  const back = await made.im.v1.file.get({ path: { file_key: String(file?.file_key) } });
  expect(Buffer.from(await readAll(back.getReadableStream(), 'latin1'), 'latin1').equals(bytes)).toBe(true);
  const theirs = lark.user('alice').sendFile('ops', { name: 'deploy.sh', data: '#!/bin/sh\nuptime\n' });
  const resource = await made.im.v1.messageResource.get({
    path: { message_id: theirs.id, file_key: String(theirs.file?.key) },
    params: { type: 'file' },
  });
  expect(await readAll(resource.getReadableStream())).toBe('#!/bin/sh\nuptime\n');
  const elsewhere = made.im.v1.messageResource.get({
    path: { message_id: String(shown?.id), file_key: String(theirs.file?.key) },
    params: { type: 'file' },
  });
  expect(await answerOf(elsewhere)).toMatchObject({ status: 400 });
});

it('refuses files above the limit', async () => {
  const lark = await lab({ limits: { fileBytes: 100 } });
  const made = client(lark);
  const upload = (size: number) =>
    answerOf(
      made.im.v1.file.create({
        data: { file_type: 'stream', file_name: 'a', file: Readable.from([Buffer.alloc(size)]) as never },
      }),
    );
  expect(await upload(101)).toMatchObject({ code: 234006 });
});

it('writes down whom a message notified, and knows users by the ids of the app', async () => {
  const lark = await lab();
  const made = client(lark);
  const alice = lark.user('alice').openId();
  await send(lark, made, `hello <at user_id="${alice}">Alice</at>, and <at user_id="ou_nobody">x</at>`);
  await send(lark, made, card([markdown(`see <at id=${alice}></at> <at id=all></at>`)]));
  expect(lark.pings().map(({ name }) => name)).toEqual(['alice', 'alice', 'all']);
  expect(lark.messages('ops')[0]?.text).toBe('hello @Alice, and <at user_id="ou_nobody">x</at>');
  const stranger = JSON.stringify(card([markdown('<at id=ou_nobody></at>')]));
  const refused = made.im.v1.message.create({
    params: { receive_id_type: 'open_id' },
    data: { receive_id: alice, msg_type: 'interactive', content: stranger },
  });
  expect((await answerOf(refused)).msg).toContain('ErrCode: 100290');
});

it('sends rich text, which names users, too', async () => {
  const lark = await lab();
  const made = client(lark);
  const line = [
    { tag: 'text', text: 'done, ' },
    { tag: 'at', user_id: lark.user('bob').openId(), user_name: 'Bob' },
  ];
  const post = { en_us: { title: 'Job 7', content: [line] }, zh_cn: { title: '任务 7', content: [line] } };
  const sent = await made.im.v1.message.create({
    params: { receive_id_type: 'chat_id' },
    data: { receive_id: lark.chatId('ops'), msg_type: 'post', content: JSON.stringify(post) },
  });
  const shown = lark.message(String(sent.data?.message_id));
  expect(shown?.text).toBe('Job 7\ndone, @Bob');
  expect(shown?.textIn('zh_cn')).toBe('任务 7\ndone, @Bob');
  expect(lark.pings()).toEqual([{ messageId: shown?.id, name: 'bob' }]);
});

it('shows no more of a card than an old client would', async () => {
  const lark = await lab();
  const made = client(lark);
  const id = await send(lark, made, card([markdown('secret plan')]));
  const got = await made.im.v1.message.get({ path: { message_id: id } });
  expect(got.data?.items?.[0]?.body?.content).not.toContain('secret plan');
  expect(got.data?.items?.[0]?.msg_type).toBe('interactive');
});

it('answers what it does not know with 404', async () => {
  const lark = await lab();
  const { status } = await raw(lark, '/open-apis/im/v9/nothing', { token: await tokenOf(lark) });
  expect(status).toBe(404);
});

async function readAll(stream: NodeJS.ReadableStream, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString(encoding);
}
