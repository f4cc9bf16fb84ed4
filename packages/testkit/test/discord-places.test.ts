import { eventually, type TestDiscord } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { bot, connected, lab, refusalOf, type TestBot } from './discord-lab.ts';

const send = (discord: TestDiscord, { api }: TestBot, body: object, channel = 'ops') =>
  api.channels.createMessage(discord.channelId(channel), { content: 'x', ...body });

it('opens a thread from a message, which gives it its id', async () => {
  const discord = await lab();
  const made = await connected(discord);
  const sent = await send(discord, made, { content: 'job 1' });
  const thread = await made.api.channels.createThread(
    sent.channel_id,
    { name: 'job 1', auto_archive_duration: 60 },
    sent.id,
  );
  expect(thread).toMatchObject({
    id: sent.id,
    type: 11,
    parent_id: sent.channel_id,
    thread_metadata: { archived: false },
  });
  expect(discord.threads('ops')).toEqual([thread.id]);
  expect(discord.message(sent.id)?.threadId).toBe(thread.id);
  await eventually('THREAD_CREATE', () => made.of('THREAD_CREATE').length === 1);

  await send(discord, made, { content: 'output' }, thread.id);
  discord.user('bob').say(thread.id, 'thanks');
  await eventually('both', () => made.heard().includes('thanks'));
  expect(discord.seen('bob', thread.id).map(({ content }) => content)).toEqual(['', 'output', 'thanks']);
  expect(await refusalOf(made.api.channels.createThread(sent.channel_id, { name: 'again' }, sent.id))).toMatchObject({
    code: 160004,
  });
});

it('archives a thread after its time: it takes no edits then, and a message wakes it', async () => {
  const discord = await lab({ timing: { archiveMinute: 50 } });
  const made = await connected(discord);
  const thread = await made.api.channels.createThread(discord.channelId('ops'), {
    name: 'job',
    auto_archive_duration: 60,
  });
  const sent = await send(discord, made, { content: 'one' }, thread.id);
  const archived = async (): Promise<boolean | undefined> => {
    const now = await made.api.channels.get(thread.id);
    return 'thread_metadata' in now ? now.thread_metadata?.archived : undefined;
  };
  await eventually('archived', archived);
  expect(await refusalOf(made.api.channels.editMessage(thread.id, sent.id, { content: 'two' }))).toMatchObject({
    code: 50083,
  });
  await send(discord, made, { content: 'three' }, thread.id);
  expect(await archived()).toBe(false);
  await eventually('archived and back', () => made.of('THREAD_UPDATE').length >= 2);
  await made.api.channels.edit(thread.id, { archived: true });
  expect(await archived()).toBe(true);
});

it('opens the same direct message channel for a user every time', async () => {
  const discord = await lab({ users: { alice: {}, carol: { acceptsDms: false } } });
  const made = bot(discord);
  const { api } = made;
  const first = await api.users.createDM(discord.user('alice').id);
  expect(first).toMatchObject({ type: 1, recipients: [{ username: 'alice' }] });
  expect((await api.users.createDM(discord.user('alice').id)).id).toBe(first.id);
  await api.channels.createMessage(first.id, { content: 'psst' });
  expect(discord.seen('alice', '@alice').map(({ content }) => content)).toEqual(['psst']);
  expect(discord.seen('carol', '@alice')).toEqual([]);
  const closed = await api.users.createDM(discord.user('carol').id);
  expect(await refusalOf(api.channels.createMessage(closed.id, { content: 'x' }))).toMatchObject({
    status: 403,
    code: 50007,
  });
  expect(await refusalOf(api.users.createDM('123456789012345678'))).toMatchObject({ code: 10013 });
});

it('gives roles and members of a guild', async () => {
  const discord = await lab({
    guilds: { ops: { roles: { oncall: { permissions: ['ManageGuild'] } }, members: { alice: ['oncall'], bob: [] } } },
  });
  const { api } = bot(discord);
  const guild = discord.guildId('ops');
  const roles = await api.guilds.getRoles(guild);
  expect(roles.map(({ name }) => name)).toEqual(['@everyone', 'oncall', 'moltbot']);
  const member = await api.guilds.getMember(guild, discord.user('alice').id);
  expect(member).toMatchObject({ roles: [roles[1]?.id], user: { username: 'alice' } });
  expect((await api.guilds.getMembers(guild, { limit: 10 })).map(({ user }) => user.username)).toEqual([
    'alice',
    'bob',
    'moltbot',
  ]);
  expect(await refusalOf(api.guilds.getMember(guild, '123456789012345678'))).toMatchObject({ code: 10013 });
  expect((await api.guilds.get(guild)).name).toBe('ops');
  expect((await api.guilds.getChannels(guild)).map(({ name }) => name)).toEqual(['general', 'ops']);
});

it('refuses the list of members without the intent for it', async () => {
  const discord = await lab({ grantedIntents: [] });
  expect(await refusalOf(bot(discord).api.guilds.getMembers(discord.guildId('ops')))).toMatchObject({
    status: 403,
    code: 50001,
  });
});

it('refuses what the bot may not do: 50001 where it sees nothing, 50013 where a right is missing', async () => {
  const to = (
    ...deny: (
      | 'ViewChannel'
      | 'SendMessages'
      | 'EmbedLinks'
      | 'AttachFiles'
      | 'ReadMessageHistory'
      | 'CreatePublicThreads'
    )[]
  ) => ({
    permissions: { moltbot: { deny } },
  });
  const discord = await lab({
    guilds: {
      ops: {
        channels: {
          hidden: to('ViewChannel'),
          readonly: to('SendMessages'),
          plain: to('EmbedLinks', 'AttachFiles', 'CreatePublicThreads'),
          blind: to('ReadMessageHistory'),
        },
      },
    },
  });
  const made = bot(discord);
  expect(await refusalOf(send(discord, made, {}, 'hidden'))).toMatchObject({ status: 403, code: 50001 });
  expect(await refusalOf(send(discord, made, {}, 'readonly'))).toMatchObject({ status: 403, code: 50013 });
  expect(await refusalOf(send(discord, made, { embeds: [{ title: 't' }] }, 'plain'))).toMatchObject({ code: 50013 });
  expect(await refusalOf(send(discord, made, { files: [{ name: 'a', data: 'a' }] }, 'plain'))).toMatchObject({
    code: 50013,
  });
  const sent = await send(discord, made, {}, 'plain');
  expect(await refusalOf(made.api.channels.createThread(sent.channel_id, { name: 't' }, sent.id))).toMatchObject({
    code: 50013,
  });
  discord.user('alice').say('blind', 'x');
  expect(await made.api.channels.getMessages(discord.channelId('blind'))).toEqual([]);
  expect(discord.counters.invalidRequests).toBe(5);
});

it('answers 10003 for a channel that was deleted', async () => {
  const discord = await lab();
  const made = await connected(discord);
  const id = discord.channelId('ops');
  discord.deleteChannel('ops');
  expect(await refusalOf(made.api.channels.createMessage(id, { content: 'x' }))).toMatchObject({
    status: 404,
    code: 10003,
  });
  await eventually('CHANNEL_DELETE', () => made.of('CHANNEL_DELETE').length === 1);
});
