import type { ChatPlatform } from '@moltbot/chat';
import { type ErrorCode, isMoltError, Secret } from '@moltbot/shared';
import { type DiscordOptions, startDiscord, type TestDiscord } from '@moltbot/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { createDiscordPlatform } from '../src/rest/discord-platform.ts';
import { createDiscordRest } from '../src/rest/discord-rest.ts';
import { createLimits } from '../src/rest/limits.ts';
import { plainMessage } from './lab.ts';

const signal = AbortSignal.timeout(600_000);
const posts = 'POST /channels/:channel/messages';
const edits = 'PATCH /channels/:channel/messages/:message';

it('makes one message of a post that is repeated after a 502 that came too late', async () => {
  const { discord, platform, place } = await lab();
  discord.faults.fail(posts, { status: 502, after: true });
  expect(await codeOf(platform.post(place, plainMessage, { nonce: 'n1', signal }))).toBe('MOLT_CHAT_DOWN');
  discord.faults.cutRequest(posts, { after: true });
  expect(await codeOf(platform.post(place, plainMessage, { nonce: 'n1', signal }))).toBe('MOLT_CHAT_DOWN');
  const id = await platform.post(place, plainMessage, { nonce: 'n1', signal });
  expect(discord.messages('general').map((message) => message.id)).toEqual([id]);
  expect(discord.pings()).toEqual([]);
});

it('gives up a request that is not answered', async () => {
  const { discord, platform, place } = await lab({}, 300);
  discord.faults.hang(posts);
  expect(await codeOf(platform.post(place, plainMessage, { nonce: 'n1', signal }))).toBe('MOLT_CHAT_DOWN');
});

it('says how long to wait instead of waiting, known limits and unknown ones', async () => {
  const { discord, platform, place } = await lab();
  const id = await platform.post(place, plainMessage, { nonce: 'n', signal });
  discord.faults.rateLimit(edits, { retryAfterMs: 700 });
  expect(await errorOf(platform.edit(place, id, plainMessage, signal))).toMatchObject({
    code: 'MOLT_CHAT_LIMITED',
    details: { retryAfterMs: expect.any(Number) },
  });
  const began = performance.now();
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, () => codeOf(platform.edit(place, id, plainMessage, signal))),
  );
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(outcomes.filter((code) => code === 'MOLT_CHAT_LIMITED').length).toBeGreaterThanOrEqual(7);
  const error = await errorOf(platform.edit(place, id, plainMessage, signal));
  expect(Number(error.details['retryAfterMs'])).toBeGreaterThan(1_000);
});

it.each<[string, ErrorCode, (lab: Lab) => Promise<unknown>]>([
  [
    'a deleted message',
    'MOLT_CHAT_GONE',
    async ({ platform, place }) => platform.edit(place, '1000000000000000000', plainMessage, signal),
  ],
  [
    'a deleted channel',
    'MOLT_CHAT_GONE',
    async ({ discord, platform, place }) => {
      discord.deleteChannel('general');
      return platform.post(place, plainMessage, { nonce: 'n', signal });
    },
  ],
  [
    'a 503',
    'MOLT_CHAT_DOWN',
    async ({ discord, platform, place }) => {
      discord.faults.fail(posts, { status: 503 });
      return platform.post(place, plainMessage, { nonce: 'n', signal });
    },
  ],
  [
    'an outage',
    'MOLT_CHAT_DOWN',
    async ({ discord, platform, place }) => {
      await discord.faults.offline();
      return platform.post(place, plainMessage, { nonce: 'n', signal });
    },
  ],
  [
    'a nonce that is too long',
    'MOLT_CHAT_REFUSED',
    async ({ platform, place }) => platform.post(place, plainMessage, { nonce: 'n'.repeat(26), signal }),
  ],
  [
    'too large a file',
    'MOLT_CHAT_REFUSED',
    async ({ platform, place }) =>
      platform.attach(place, [{ name: 'a', bytes: Buffer.alloc(11 * 1024 * 1024) }], { nonce: 'n', signal }),
  ],
])('says of %s: %s', async (_, code, ask) => {
  const made = await lab();
  expect(await codeOf(ask(made))).toBe(code);
});

it('says of a missing permission that it is refused', async () => {
  const denied = { channels: { general: { permissions: { moltbot: { deny: ['SendMessages'] } } } } } as const;
  const { platform, place } = await lab({ guilds: { ops: denied } });
  expect(await codeOf(platform.post(place, plainMessage, { nonce: 'n', signal }))).toBe('MOLT_CHAT_REFUSED');
});

it('goes on after a token was refused once', async () => {
  const { discord, platform, place } = await lab();
  discord.faults.fail(posts, { status: 401 });
  expect(await codeOf(platform.post(place, plainMessage, { nonce: 'n', signal }))).toBe('MOLT_CHAT_REFUSED');
  await platform.post(place, plainMessage, { nonce: 'n', signal });
  expect(discord.messages('general')).toHaveLength(1);
});

it('answers a message that may be gone, edits all of it, and attaches files beside it', async () => {
  const { discord, platform, place } = await lab({ rateLimits: { [posts]: 'none' } });
  const asked = discord.user('alice').say('general', 'x');
  const id = await platform.post(
    place,
    { ...plainMessage, buttons: [{ id: 'a:1', label: 'A', style: 'neutral' }] },
    { nonce: 'a', replyTo: asked.id, signal },
  );
  expect(discord.message(id)).toMatchObject({ replyTo: asked.id, nonce: 'a', buttons: [{ customId: 'a:1' }] });
  await platform.edit(place, id, { tone: 'failure', text: ['over'] }, signal);
  expect(discord.message(id)).toMatchObject({ buttons: [], embeds: [{ description: 'over' }] });
  discord.user('alice').remove(asked.id);
  await platform.post(place, plainMessage, { nonce: 'b', replyTo: asked.id, signal });
  const files = Array.from({ length: 12 }, (_, index) => ({
    name: `${index}.log`,
    bytes: Buffer.from(`file ${index}`),
  }));
  const attach = () => platform.attach(place, files, { nonce: 'f'.repeat(25), replyTo: id, signal });
  await attach();
  await attach();
  const attached = discord.messages('general').filter((message) => message.files.length > 0);
  expect(attached.map((message) => [message.files.length, message.replyTo])).toEqual([
    [10, id],
    [2, id],
  ]);
  expect(attached[1]?.files[1]).toMatchObject({ name: '11.log' });
  expect(attached[1]?.files[1]?.text()).toBe('file 11');
});

it('fetches files of Discord alone, and no more than is asked for', async () => {
  const { discord, platform, place } = await lab();
  const said = discord
    .user('alice')
    .say('general', 'x', { files: [{ name: 'a.txt', data: Buffer.from('0123456789') }] });
  const fileAt = (url: string) => ({ id: url, name: 'a.txt', bytes: 10 });
  const url = said.files[0]?.url ?? '';
  expect((await platform.download(place, fileAt(url), { maxBytes: 10, signal })).toString()).toBe('0123456789');
  expect(await codeOf(platform.download(place, fileAt(url), { maxBytes: 9, signal }))).toBe('MOLT_CHAT_REFUSED');
  expect(await codeOf(platform.download(place, fileAt('http://127.0.0.1:1/x'), { maxBytes: 9, signal }))).toBe(
    'MOLT_CHAT_REFUSED',
  );
  expect(await codeOf(platform.download(place, fileAt('http://cdn.discordapp.com/x'), { maxBytes: 9, signal }))).toBe(
    'MOLT_CHAT_REFUSED',
  );
  expect(await codeOf(platform.download(place, fileAt(url.replace(/\/\d+\/a/, '/1/a')), { maxBytes: 9, signal }))).toBe(
    'MOLT_CHAT_GONE',
  );
});

it('learns the limits of a channel from the answers', async () => {
  const { platform, place } = await lab({ rateLimits: { [posts]: { limit: 3, windowMs: 2_000 } } });
  expect(platform.limits.channel).toEqual({ calls: 5, perMs: 5_000, reserve: 2 });
  await platform.post(place, plainMessage, { nonce: 'n', signal });
  expect(platform.limits.channel).toMatchObject({ calls: 3, perMs: 2_000 });
});

interface Lab {
  readonly discord: TestDiscord;
  readonly platform: ChatPlatform;
  readonly place: { readonly guild: string; readonly channel: string };
}

async function lab(options: DiscordOptions = {}, timeoutMs = 5_000): Promise<Lab> {
  const discord = await startDiscord(options);
  onTestFinished(() => discord.stop());
  const limits = createLimits();
  const rest = createDiscordRest({
    api: discord.api,
    token: new Secret(discord.token),
    timeoutMs,
    onLimit: limits.see,
  });
  onTestFinished(rest.close);
  const platform = createDiscordPlatform({ account: 'main', api: discord.api, limits: limits.current, rest });
  return { discord, platform, place: { guild: discord.guildId('ops'), channel: discord.channelId('general') } };
}

async function errorOf(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isMoltError(error)) throw new Error(`no error of ours: ${String(error)}`);
  return error;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isMoltError(error) ? error.code : String(error)),
  );
