import { GatewayIntentBits as Intent } from '@discordjs/core';
import { eventually, type TestDiscord } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { bot, connected, lab, rawClient, refusalOf } from './discord-lab.ts';

const alice = (discord: TestDiscord) => discord.user('alice');

it('begins with READY and one GUILD_CREATE for each guild, and sends what happens in them', async () => {
  const discord = await lab({ guilds: { red: { channels: { ops: {} } }, blue: { channels: { ops: {} } } } });
  const made = await connected(discord);
  await eventually('both guilds', () => made.of('GUILD_CREATE').length === 2);
  expect(made.of('GUILD_CREATE').map(({ name }) => name)).toEqual(['red', 'blue']);
  expect(made.of('READY')[0]).toMatchObject({ guilds: [{ unavailable: true }, { unavailable: true }] });

  alice(discord).say('red/ops', 'one');
  alice(discord).say('blue/ops', 'two');
  await eventually('both messages', () => made.heard().length === 2);
  expect(made.of('MESSAGE_CREATE')).toMatchObject([
    {
      content: 'one',
      guild_id: discord.guildId('red'),
      channel_type: 0,
      author: { username: 'alice' },
      member: { roles: [] },
    },
    { content: 'two', guild_id: discord.guildId('blue') },
  ]);
  expect(made.events.map(({ s }) => s)).toEqual([1, 2, 3, 4, 5]);
});

it('packs everything into one zlib stream when it is asked to', async () => {
  const discord = await lab();
  const made = await connected(discord, { compressed: true });
  const texts = Array.from({ length: 20 }, (_, index) => `${index} ${'很长的一行'.repeat(300)}`);
  for (const text of texts) alice(discord).say('ops', text);
  await eventually('all of them', () => made.heard().length === 20);
  expect(made.heard()).toEqual(texts);
});

it('sends a direct message with the type of its channel, to the first shard', async () => {
  const discord = await lab();
  const made = await connected(discord);
  alice(discord).dm('status web-1');
  await eventually('the message', () => made.heard().length === 1);
  expect(made.of('MESSAGE_CREATE')[0]).toMatchObject({ content: 'status web-1', channel_type: 1 });
  expect(made.of('MESSAGE_CREATE')[0]).not.toHaveProperty('guild_id');
});

it('sends each shard the guilds that are its own', async () => {
  const guilds = Object.fromEntries(
    Array.from({ length: 6 }, (_, index) => [`g${index}`, { channels: { [`c${index}`]: {} } }]),
  );
  const discord = await lab({ guilds, limits: { maxConcurrency: 2 } });
  const made = bot(discord, {
    gateway: { shardCount: 2, retrieveSessionInfo: () => null, updateSessionInfo: () => {} },
  });
  const heard: { guild: string | undefined; shard: number }[] = [];
  made.gateway.on('dispatch', ({ t, d }, shard) => {
    if (t === 'GUILD_CREATE') heard.push({ guild: d.id, shard });
    if (t === 'MESSAGE_CREATE') heard.push({ guild: d.guild_id, shard });
  });
  await made.gateway.connect();
  await eventually('all guilds', () => heard.length === 6);
  for (const name of Object.keys(guilds)) alice(discord).say(name.replace('g', 'c'), 'x');
  await eventually('all messages', () => heard.length === 12);
  for (const { guild, shard } of heard) expect(shard).toBe(Number((BigInt(guild ?? 0) >> 22n) % 2n));
  alice(discord).dm('to the first');
  await eventually('it', () => heard.length === 13);
  expect(heard.at(-1)).toEqual({ guild: undefined, shard: 0 });
});

it('empties what people write without MESSAGE_CONTENT, but for mentions of the bot, direct messages and its own', async () => {
  const discord = await lab();
  const plain = await connected(discord, { intents: Intent.Guilds | Intent.GuildMessages | Intent.DirectMessages });
  alice(discord).say('ops', '!sync a b');
  alice(discord).say('ops', '@moltbot sync a b', { mentions: ['moltbot'] });
  alice(discord).dm('sync a b');
  await plain.api.channels.createMessage(discord.channelId('ops'), { content: 'own' });
  await eventually('all four', () => plain.heard().length === 4);
  expect(plain.heard()).toEqual(['', `<@${discord.botId}> sync a b`, 'sync a b', 'own']);
});

it('empties it in REST, too, when the portal does not grant it', async () => {
  const discord = await lab({ grantedIntents: [] });
  const made = bot(discord);
  alice(discord).say('ops', 'secret');
  const [message] = await made.api.channels.getMessages(discord.channelId('ops'));
  expect(message?.content).toBe('');
});

it('sends every session of a shard everything, and tells them apart', async () => {
  const discord = await lab({ timing: { identify: 0 } });
  const [first, second] = [await connected(discord), await connected(discord)];
  alice(discord).say('ops', 'both');
  await eventually('both', () => first.heard().length === 1 && second.heard().length === 1);
  expect(discord.sessions().map(({ connected }) => connected)).toEqual([true, true]);
  expect(first.session()?.sessionId).not.toBe(second.session()?.sessionId);
});

it('refuses privileged intents that are not granted, and a wrong token', async () => {
  const discord = await lab({ grantedIntents: ['GuildMembers'] });
  const greedy = bot(discord);
  await expect(greedy.gateway.connect()).rejects.toThrow('Used disallowed intents');
  expect(greedy.closes).toEqual([4014]);
  const stranger = bot(discord, { token: 'wrong' });
  expect(await refusalOf(stranger.gateway.connect())).toMatchObject({ status: 401 });
});

it('answers IDENTIFYs that follow too closely with op 9, and counts them in the session start limit', async () => {
  const discord = await lab({ timing: { identify: 1_500 } });
  await connected(discord);
  const second = await connected(discord);
  expect(discord.counters.invalidSessions).toBeGreaterThan(0);
  const { session_start_limit: limit } = (await second.rest.get('/gateway/bot')) as {
    session_start_limit: { remaining: number };
  };
  expect(limit.remaining).toBe(1_000 - discord.counters.identifies);
});

it('resets the token when the IDENTIFYs of a day are used up', async () => {
  const discord = await lab({ limits: { identifies: 1 }, timing: { identify: 0 } });
  const { token } = discord;
  const first = await connected(discord);
  await expect(bot(discord).gateway.connect()).rejects.toThrow('Not enough sessions remaining');
  const heedless = rawClient(discord);
  heedless.identify();
  expect(await heedless.closed).toBe(4004);
  await eventually('the first is thrown out', () => first.closes.includes(4004));
  expect(discord.token).not.toBe(token);
  expect(discord.counters.tokenResets).toBe(1);
  expect(await refusalOf(first.api.users.getCurrent())).toMatchObject({ status: 401 });
});

it('loses and repeats events on command', async () => {
  const discord = await lab();
  const made = await connected(discord);
  discord.faults.dropDispatch('MESSAGE_CREATE');
  alice(discord).say('ops', 'lost');
  discord.faults.repeatDispatch('MESSAGE_CREATE');
  alice(discord).say('ops', 'twice');
  alice(discord).say('ops', 'once');
  await eventually('the last', () => made.heard().includes('once'));
  expect(made.heard()).toEqual(['twice', 'twice', 'once']);
});

it('does not tell the bot of channels that it does not see', async () => {
  const hidden = { permissions: { '@everyone': { deny: ['ViewChannel'] } } } as const;
  const discord = await lab({ guilds: { ops: { channels: { open: {}, hidden } } } });
  const made = await connected(discord);
  expect(() => discord.user('bob').say('hidden', 'x')).toThrow('bob may not write in hidden');
  alice(discord).say('hidden', 'as the owner I may');
  alice(discord).say('open', 'hello');
  await eventually('the open one', () => made.heard().length > 0);
  expect(made.heard()).toEqual(['hello']);
});
