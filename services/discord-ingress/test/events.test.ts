import { MoltError } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { answerOf, plainMessage, startLab, usages } from './lab.ts';

it('hears mentions, direct messages and the prefix, and nothing else', async () => {
  const { discord, ...rest } = await connected({});
  const alice = discord.user('alice');
  alice.say('general', 'hello all');
  alice.say('general', 'run on:web -- uptime', { mentions: ['moltbot'] });
  alice.say('general', '!targets');
  alice.dm('whoami');
  alice.say('general', 'thanks @moltbot', { mentions: ['moltbot'] });
  alice.say('general', '!last');
  await eventually('the last', () => rest.chat.said().includes('last'));
  expect([...rest.chat.said()].sort()).toEqual(['last', 'run on:web -- uptime', 'targets', 'whoami']);
});

it('says who, where and when, with roles, files and the lines as they were written', async () => {
  const lab = await startLab({
    users: { alice: { displayName: 'Alice A' } },
    guilds: { ops: { roles: { deployers: {} }, members: { alice: ['deployers'] }, locale: 'zh-CN' } },
  });
  const { chat } = await lab.connected();
  const said = lab.discord.user('alice').say('general', '!script on:web\n```sh\necho 1\n  echo 2\n```', {
    files: [{ name: 'a.sh', data: Buffer.from('echo') }],
  });
  const [incoming] = await eventually('it', () => chat.incoming.length > 0 && chat.incoming);
  expect(incoming).toMatchObject({
    ...{ kind: 'text', id: said.id, message: said.id, tenant: 'default', locale: 'zh-CN' },
    text: 'script on:web\n```sh\necho 1\n  echo 2\n```',
    place: { guild: lab.discord.guildId('ops'), channel: lab.discord.channelId('general') },
    actor: { id: lab.discord.user('alice').id, name: 'Alice A', roles: [expect.stringMatching(/^\d+$/)] },
    attachments: [{ name: 'a.sh', bytes: 4, message: said.id }],
  });
  expect(Math.abs((incoming?.at ?? 0) - Date.now())).toBeLessThan(5_000);
});

it('reads only what mentions it without the content intent, and direct messages', async () => {
  const { discord, chat } = await connected({ messageContent: false }, { grantedIntents: [] });
  const alice = discord.user('alice');
  alice.say('general', '!no');
  alice.say('general', '@moltbot yes', { mentions: ['moltbot'] });
  alice.dm('whoami');
  await eventually('both', () => chat.incoming.length === 2);
  expect([...chat.said()].sort()).toEqual(['whoami', 'yes']);
});

it('knows a thread by its channel, and answers in it', async () => {
  const { discord, chat } = await connected({});
  const thread = await openThread(discord, 'general');
  discord.user('alice').say(thread, '!in the thread');
  await eventually('it', () => chat.incoming.length === 1);
  const place = chat.incoming[0]?.place;
  expect(place).toMatchObject({ channel: discord.channelId('general'), thread });
  if (place) await chat.platform.post(place, plainMessage, { nonce: 'n', signal: AbortSignal.timeout(5_000) });
  expect(discord.messages(thread).at(-1)?.embeds[0]?.title).toBe('done');
});

it('keeps tenants apart by guild, and leaves guilds and channels that are not configured', async () => {
  const lab = await startLab({
    guilds: {
      ops: { channels: { general: {}, other: {} } },
      shop: { channels: { sales: {} } },
      strange: { channels: { lobby: {} } },
    },
  });
  const { discord } = lab;
  const { chat } = await lab.connected({
    guilds: {
      [discord.guildId('ops')]: { tenant: 'blue', channels: [discord.channelId('ops/general')], roles: [] },
      [discord.guildId('shop')]: { tenant: 'green', channels: [], roles: [] },
    },
    directMessages: undefined,
  });
  const alice = discord.user('alice');
  alice.say('strange/lobby', '!strange');
  alice.say('ops/other', '!other');
  alice.dm('direct');
  alice.say('ops/general', '!blue');
  alice.say('shop/sales', '!green');
  await eventually('both', () => chat.incoming.length === 2);
  expect(chat.incoming.map((each) => [each.tenant, each.kind === 'text' && each.text])).toEqual([
    ['blue', 'blue'],
    ['green', 'green'],
  ]);
  expect(() => discord.commands('strange')).not.toThrow();
  expect(discord.commands('strange')).toEqual([]);
  const refused = await alice.slash('ops/other', 'run', { command: 'x', on: 'y' }).answer();
  expect(refused.message?.ephemeralFor).toBe('alice');
  expect(chat.incoming).toHaveLength(2);
});

it('registers its commands once, in both languages', async () => {
  const lab = await startLab();
  const first = await lab.connected();
  await eventually('commands', () => lab.discord.commands('ops').length === usages.length);
  const run = lab.discord.commands('ops').find(({ name }) => name === 'run');
  expect(run).toMatchObject({
    description: 'Runs a shell command on targets.',
    description_localizations: { 'zh-CN': '在目标上运行 Shell 命令。' },
  });
  await first.ingress.stop();
  await lab.connected();
  await lab.discord.user('alice').slash('general', 'run', { command: 'a', on: 'b' });
  const puts = [...lab.discord.counters.requests].filter(([route]) => route.startsWith('PUT /applications'));
  expect(puts.map(([, times]) => times)).toEqual([1]);
});

it('takes commands with options and files, and answers by an edit of what stands there', async () => {
  const { discord, chat } = await connected({});
  chat.onHandle = async (incoming) => {
    const id = await answerOf(incoming).defer();
    await chat.platform.edit(incoming.place, id, plainMessage, AbortSignal.timeout(5_000));
  };
  const used = discord.user('bob').slash('general', 'script', {
    ...{ on: 'web-*', timeout: '5m', file: { name: 'in.txt', data: Buffer.from('hi') } },
  });
  expect((await used.answer()).kind).toBe('deferred');
  const shown = await eventually('the answer', () =>
    discord.messages('general').find(({ embeds }) => embeds[0]?.title === 'done'),
  );
  expect(shown.loading).toBe(false);
  const [incoming] = chat.incoming;
  expect(incoming).toMatchObject({
    ...{ kind: 'command', verb: 'script', id: used.id, locale: 'zh-CN' },
    options: { on: 'web-*', timeout: '5m' },
    attachments: [{ name: 'in.txt', bytes: 2 }],
  });
  const [file] = incoming?.kind === 'command' ? incoming.attachments : [];
  if (!incoming || !file) throw new Error('no file');
  const read = await chat.platform.download(incoming.place, file, { maxBytes: 10, signal: AbortSignal.timeout(5_000) });
  expect(read.toString()).toBe('hi');
});

it('whispers to who asked alone, also after it said that an answer comes', async () => {
  const { discord, chat } = await connected({});
  chat.onHandle = (incoming) => answerOf(incoming).whisper(plainMessage);
  const alice = discord.user('alice');
  const first = await alice.slash('general', 'run', { command: 'a', on: 'b' }).answer();
  expect(first.message).toMatchObject({ ephemeralFor: 'alice' });
  chat.onHandle = async (incoming) => {
    await answerOf(incoming).defer();
    await answerOf(incoming).whisper({ ...plainMessage, title: 'secret' });
  };
  alice.slash('general', 'run', { command: 'a', on: 'b' });
  const secret = await eventually('it', () =>
    discord.messages('general').find(({ embeds }) => embeds[0]?.title === 'secret'),
  );
  expect(secret.ephemeralFor).toBe('alice');
  expect(discord.seen('bob', 'general').filter(({ author }) => author === 'moltbot')).toEqual([]);
});

it('whispers once, though it is given the interaction again', async () => {
  const { discord, chat } = await connected({});
  const passing = ['MOLT_STORE_DOWN', 'MOLT_SHUTTING_DOWN'] as const;
  let tries = 0;
  chat.onHandle = async (incoming) => {
    tries += 1;
    await answerOf(incoming).whisper(plainMessage);
    const code = passing[tries - 1];
    if (code) throw new MoltError(code, 'not now');
  };
  discord.user('alice').slash('general', 'run', { command: 'a', on: 'b' });
  await eventually('the last try', () => tries === 3);
  const place = { guild: discord.guildId('ops'), channel: discord.channelId('general') };
  await chat.platform.post(place, plainMessage, { nonce: 'after', signal: AbortSignal.timeout(5_000) });
  expect(discord.messages('general').filter(({ ephemeralFor }) => ephemeralFor === 'alice')).toHaveLength(1);
});

it('completes what is typed, and gives nothing when the chat fails', async () => {
  const { discord, chat } = await connected({});
  chat.onComplete = async ({ typed }) => [{ label: `${typed}-1 (web)`, value: `${typed}-1` }];
  const typing = { option: 'on', partial: 'web', others: { command: 'x' } };
  const choices = await discord.user('alice').autocomplete('general', 'run', typing);
  expect(choices).toEqual([{ name: 'web-1 (web)', value: 'web-1' }]);
  expect(chat.completions[0]).toMatchObject({ tenant: 'default', verb: 'run', option: 'on', typed: 'web' });
  chat.onComplete = async () => {
    throw new Error('no');
  };
  expect(await discord.user('alice').autocomplete('general', 'run', typing)).toEqual([]);
});

it('takes a pressed button, whose message is the answer', async () => {
  const { discord, chat } = await connected({});
  const place = { guild: discord.guildId('ops'), channel: discord.channelId('general') };
  const signal = AbortSignal.timeout(5_000);
  const buttons = [{ id: 'cancel:42', label: 'Cancel', style: 'danger' }] as const;
  const id = await chat.platform.post(place, { ...plainMessage, buttons }, { nonce: 'b', signal });
  let answered: string | undefined;
  chat.onHandle = async (incoming) => {
    answered = await answerOf(incoming).defer();
    await answerOf(incoming).whisper({ tone: 'neutral', title: 'stopped' });
  };
  const pressed = discord.user('alice').press(id, 'cancel:42');
  await pressed.answer();
  await eventually('the whisper', () =>
    discord.messages('general').some(({ ephemeralFor }) => ephemeralFor === 'alice'),
  );
  expect(answered).toBe(id);
  expect(chat.incoming[0]).toMatchObject({ kind: 'press', button: 'cancel:42', message: id, id: pressed.id });
  expect(discord.message(id)?.deleted).toBe(false);
});

it('asks for a script in a form, and gives what was filled in as a command', async () => {
  const { discord, chat } = await connected({});
  chat.onHandle = async (incoming) => void (await answerOf(incoming).defer());
  const alice = discord.user('bob');
  const { modal } = await alice.slash('general', 'script', { on: 'web-*', timeout: '5m' }).answer();
  if (!modal) throw new Error('no form');
  expect(modal.modal.title).toBe('运行脚本');
  const submitted = alice.submitModal(modal, { text: 'echo 1\necho 2' });
  expect((await submitted.answer()).kind).toBe('deferred');
  expect(chat.incoming).toMatchObject([
    { kind: 'command', verb: 'script', options: { text: 'echo 1\necho 2', on: 'web-*', timeout: '5m' } },
  ]);
});

it('gives an event again until the store takes it, and keeps the order of the channel', async () => {
  const { discord, chat } = await connected({});
  let failures = 2;
  chat.onHandle = async (incoming) => {
    if (incoming.kind === 'text' && incoming.text === 'one' && failures-- > 0)
      throw new MoltError('MOLT_STORE_DOWN', 'down');
  };
  discord.faults.repeatDispatch('MESSAGE_CREATE', 1);
  discord.user('alice').say('general', '!one');
  discord.user('alice').say('general', '!two');
  await eventually('two', () => chat.said().includes('two'));
  expect(chat.said()).toEqual(['one', 'one', 'one', 'two']);
});

async function connected(settings: Parameters<Awaited<ReturnType<typeof startLab>>['connected']>[0], options = {}) {
  const lab = await startLab(options);
  const { chat } = await lab.connected(settings);
  await eventually('commands', () => lab.discord.commands('ops').length === usages.length);
  return { discord: lab.discord, chat, lab };
}

async function openThread(discord: Awaited<ReturnType<typeof startLab>>['discord'], channel: string): Promise<string> {
  const before = discord.user('alice').say(channel, 'a topic');
  const url = `${discord.api}/v10/channels/${discord.channelId(channel)}/messages/${before.id}/threads`;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bot ${discord.token}`,
      'content-type': 'application/json',
      'user-agent': 'DiscordBot (https://x.example, 1)',
    },
    body: JSON.stringify({ name: 'topic' }),
  });
  return ((await response.json()) as { id: string }).id;
}
