import { MessageFlags } from '@discordjs/core';
import { eventually, type TestDiscord } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { bot, connected, lab, refusalOf, type TestBot } from './discord-lab.ts';

const create = 'POST /channels/:channel/messages';
const editing = 'PATCH /channels/:channel/messages/:message';
const contents = (discord: TestDiscord, channel = 'ops') => discord.messages(channel).map(({ content }) => content);
const send = (discord: TestDiscord, made: TestBot, body: object, channel = 'ops') =>
  made.api.channels.createMessage(discord.channelId(channel), body);

it.each([
  ['fails with 502', (discord: TestDiscord) => discord.faults.fail(create, { times: 2, after: true })],
  ['does not answer', (discord: TestDiscord) => discord.faults.hang(create, { times: 2, after: true })],
])(
  'has a message three times when its creation %s twice and carries no enforced nonce, and once when it does',
  async (_, harm) => {
    const discord = await lab({ rateLimits: { [create]: 'none' } });
    const made = bot(discord, { rest: { timeout: 2_000 } });
    harm(discord);
    await send(discord, made, { content: 'plain' });
    expect(contents(discord)).toEqual(['plain', 'plain', 'plain']);
    harm(discord);
    const sent = await send(discord, made, { content: 'once', nonce: 'job-1', enforce_nonce: true });
    expect(contents(discord).filter((text) => text === 'once')).toHaveLength(1);
    expect(discord.message(sent.id)).toMatchObject({ content: 'once', nonce: 'job-1' });
  },
);

it('does not repeat what ended with the connection, though the message is there', async () => {
  const discord = await lab();
  discord.faults.cutRequest(create, { after: true });
  const made = bot(discord);
  await expect(send(discord, made, { content: 'x', nonce: 'n', enforce_nonce: true })).rejects.toThrow();
  expect(contents(discord)).toEqual(['x']);
  await send(discord, made, { content: 'x', nonce: 'n', enforce_nonce: true });
  expect(contents(discord)).toEqual(['x']);
});

it('forgets a nonce after its time, and one that is not enforced at once', async () => {
  const discord = await lab({ timing: { nonce: 3_000 }, rateLimits: { [create]: 'none' } });
  const made = bot(discord);
  const body = { content: 'x', nonce: 'n' };
  await send(discord, made, body);
  await send(discord, made, { ...body, enforce_nonce: true });
  await send(discord, made, { ...body, enforce_nonce: true });
  expect(contents(discord)).toHaveLength(2);
  await eventually('it is forgotten', async () => {
    await send(discord, made, { ...body, enforce_nonce: true });
    return contents(discord).length > 2;
  });
  expect(contents(discord)).toHaveLength(3);
});

it('keeps every version of a message, with its time', async () => {
  const discord = await lab();
  const made = await connected(discord);
  const { id, channel_id: channelId } = await send(discord, made, { content: 'starting' });
  await made.api.channels.editMessage(channelId, id, { content: 'running', embeds: [{ title: 'web-1' }] });
  await made.api.channels.editMessage(channelId, id, { content: 'done' });
  expect(discord.message(id)?.versions.map(({ content, embeds }) => [content, embeds.length])).toEqual([
    ['starting', 0],
    ['running', 1],
    ['done', 1],
  ]);
  expect(discord.counters.edits.get(id)).toBe(2);
  await eventually('the updates', () => made.of('MESSAGE_UPDATE').length === 2);
  expect(made.of('MESSAGE_UPDATE')[1]).toMatchObject({ content: 'done', edited_timestamp: expect.any(String) });
  await made.api.channels.deleteMessage(channelId, id);
  expect(discord.message(id)?.deleted).toBe(true);
  expect(discord.seen('alice', 'ops')).toEqual([]);
  expect(await refusalOf(made.api.channels.getMessage(channelId, id))).toMatchObject({ status: 404, code: 10008 });
});

it('lists messages newest first, after or before an id', async () => {
  const discord = await lab();
  const { api } = bot(discord);
  const said = Array.from({ length: 8 }, (_, index) => discord.user('alice').say('ops', String(index)));
  const list = async (query: object) =>
    (await api.channels.getMessages(discord.channelId('ops'), query)).map(({ content }) => content);
  expect(await list({ limit: 3 })).toEqual(['7', '6', '5']);
  expect(await list({ after: said[4]?.id, limit: 2 })).toEqual(['6', '5']);
  expect(await list({ before: said[2]?.id })).toEqual(['1', '0']);
  expect(await refusalOf(list({ limit: 101 }))).toMatchObject({ code: 50035 });
});

it('takes files with their names, and gives them back under an address of its own', async () => {
  const discord = await lab();
  const made = bot(discord);
  const sent = await send(discord, made, {
    content: 'log',
    attachments: [{ id: 0, description: 'what web-1 said' }],
    files: [{ name: 'web-1 输出.log', data: Buffer.from('hello\n世界') }],
  });
  expect(sent.attachments).toMatchObject([{ filename: 'web-1 输出.log', size: 12, description: 'what web-1 said' }]);
  const answer = await fetch(sent.attachments[0]?.url ?? '');
  expect(await answer.text()).toBe('hello\n世界');
  expect(discord.message(sent.id)?.files.map((file) => file.text())).toEqual(['hello\n世界']);

  const second = { name: 'b.txt', data: 'b' };
  await made.api.channels.editMessage(sent.channel_id, sent.id, { attachments: [{ id: '0' }], files: [second] });
  expect(discord.message(sent.id)?.files.map(({ name }) => name)).toEqual(['b.txt']);
  await made.api.channels.editMessage(sent.channel_id, sent.id, { content: 'kept' });
  expect(discord.message(sent.id)?.files.map(({ name }) => name)).toEqual(['b.txt']);
});

it('lets the bot read what a user attached', async () => {
  const discord = await lab();
  const made = await connected(discord);
  discord.user('alice').say('ops', '!run', { files: [{ name: 'fix.sh', data: 'uptime\n' }] });
  const [message] = await eventually('it', () => made.of('MESSAGE_CREATE').length > 0 && made.of('MESSAGE_CREATE'));
  const [file] = (message?.['attachments'] ?? []) as { url: string; filename: string }[];
  expect(file?.filename).toBe('fix.sh');
  expect(await (await fetch(file?.url ?? '')).text()).toBe('uptime\n');
});

it.each([
  ['a file', [{ name: 'big', data: Buffer.alloc(2_000) }]],
  ['a request', Array.from({ length: 6 }, (_, index) => ({ name: `f${index}`, data: Buffer.alloc(900) }))],
])('refuses %s that is too large', async (_, files) => {
  const discord = await lab({ limits: { fileBytes: 1_000, requestBytes: 5_000 } });
  expect(await refusalOf(send(discord, bot(discord), { files }))).toMatchObject({ status: 413, code: 40005 });
});

it('edits only its own messages', async () => {
  const discord = await lab();
  const said = discord.user('alice').say('ops', 'mine');
  const { api } = bot(discord);
  expect(await refusalOf(api.channels.editMessage(said.channelId, said.id, { content: 'x' }))).toMatchObject({
    code: 50005,
  });
  expect(await refusalOf(api.channels.deleteMessage(said.channelId, said.id))).toMatchObject({ code: 50013 });
});

it('refuses too many edits of old messages with 429 and code 30046, and the library waits', async () => {
  const discord = await lab({ limits: { oldEdits: { limit: 2, windowMs: 1_000 } }, rateLimits: { [editing]: 'none' } });
  const made = bot(discord);
  const { id, channel_id: channelId } = await send(discord, made, { content: 'old' });
  const edit = (content: string) => made.api.channels.editMessage(channelId, id, { content });
  await Promise.all([edit('1'), edit('2'), edit('3')]);
  discord.age(id, 3_700_000);
  await edit('4');
  await edit('5');
  const begun = performance.now();
  await edit('6');
  expect(performance.now() - begun).toBeGreaterThan(900);
  expect(discord.counters.rateLimited.get(editing)).toBe(1);
});

it('replies to a message, and says when it is gone', async () => {
  const discord = await lab();
  const made = bot(discord);
  const said = discord.user('alice').say('ops', 'run');
  const reply = await send(discord, made, { content: 'ok', message_reference: { message_id: said.id } });
  expect(discord.message(reply.id)?.replyTo).toBe(said.id);
  discord.user('alice').remove(said.id);
  expect(
    await refusalOf(send(discord, made, { content: 'ok', message_reference: { message_id: said.id } })),
  ).toMatchObject({
    code: 50035,
    errors: { message_reference: { _errors: [{ code: 'MESSAGE_REFERENCE_UNKNOWN_MESSAGE' }] } },
  });
  const loose = { message_id: said.id, fail_if_not_exists: false };
  expect((await send(discord, made, { content: 'ok', message_reference: loose })).message_reference).toBeUndefined();
});

it('answers without a body where there is nothing to say, and without a content type', async () => {
  const discord = await lab();
  const made = bot(discord);
  await made.api.channels.showTyping(discord.channelId('ops'));
  const answer = await fetch(`${discord.api}/v10/channels/${discord.channelId('ops')}/typing`, {
    method: 'POST',
    headers: { authorization: `Bot ${discord.token}`, 'user-agent': 'DiscordBot (https://example.org, 1)' },
  });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([204, null]);
});

it('tells of reactions', async () => {
  const discord = await lab();
  const made = await connected(discord, { intents: 1 | (1 << 10) });
  const said = discord.user('alice').say('ops', 'x');
  await made.api.channels.addMessageReaction(said.channelId, said.id, '✅');
  discord.user('bob').react(said.id, '👀');
  await eventually('both', () => made.of('MESSAGE_REACTION_ADD').length === 2);
  expect(made.of('MESSAGE_REACTION_ADD').map(({ emoji }) => (emoji as { name: string }).name)).toEqual(['✅', '👀']);
});

it('keeps flags that a message may set, and refuses the rest', async () => {
  const discord = await lab();
  const made = bot(discord);
  const sent = await send(discord, made, { content: 'x', flags: MessageFlags.SuppressEmbeds });
  expect(sent.flags).toBe(MessageFlags.SuppressEmbeds);
  expect(await refusalOf(send(discord, made, { content: 'x', flags: MessageFlags.Ephemeral }))).toMatchObject({
    code: 50035,
  });
});
