import { type RateLimitData, RESTEvents } from '@discordjs/rest';
import { eventually, type TestDiscord } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { bot, lab, refusalOf, type TestBot } from './discord-lab.ts';

const create = 'POST /channels/:channel/messages';
const edit = 'PATCH /channels/:channel/messages/:message';
const send = (discord: TestDiscord, { api }: TestBot, content: string, channel = 'ops') =>
  api.channels.createMessage(discord.channelId(channel), { content });
const waits = ({ rest }: TestBot): RateLimitData[] => {
  const seen: RateLimitData[] = [];
  rest.on(RESTEvents.RateLimited, (data) => void seen.push(data));
  return seen;
};

it('announces its buckets, so that a client that reads the headers gets no 429: it waits, and coalesces nothing', async () => {
  const discord = await lab({ rateLimits: { [edit]: { limit: 3, windowMs: 500 } } });
  const made = bot(discord);
  const { id, channel_id: channelId } = await send(discord, made, 'start');
  const waited = waits(made);
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: 7 }, (_, index) => made.api.channels.editMessage(channelId, id, { content: `${index}` })),
  );
  expect(performance.now() - begun).toBeGreaterThan(900);
  expect(discord.message(id)?.versions.map(({ content }) => content)).toEqual([
    'start',
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
  ]);
  expect(discord.counters.rateLimited.size).toBe(0);
  expect(waited).toMatchObject([{ limit: 3, global: false }, { limit: 3 }]);
});

it('keeps a bucket for each channel', async () => {
  const discord = await lab({ rateLimits: { [create]: { limit: 1, windowMs: 60_000 } } });
  const made = bot(discord);
  await Promise.all([send(discord, made, 'a', 'ops'), send(discord, made, 'b', 'general')]);
  expect(discord.counters.requests.get(create)).toBe(2);
});

it('answers a request beyond the bucket with 429: headers, and the time to wait in the body', async () => {
  const discord = await lab({ rateLimits: { [create]: { limit: 1, windowMs: 60_000 } } });
  await send(discord, bot(discord), 'a');
  const answer = await fetch(`${discord.api}/v10/channels/${discord.channelId('ops')}/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bot ${discord.token}`,
      'user-agent': 'DiscordBot (x, 1)',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ content: 'b' }),
  });
  expect(answer.status).toBe(429);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'retry-after': '60',
    'x-ratelimit-limit': '1',
    'x-ratelimit-remaining': '0',
    'x-ratelimit-scope': 'user',
  });
  expect(await answer.json()).toMatchObject({ retry_after: expect.closeTo(60, 0), global: false });
  expect(discord.counters).toMatchObject({ invalidRequests: 1 });
});

it('storms with 429 that no header announced: the client waits and repeats', async () => {
  const discord = await lab();
  const made = bot(discord);
  discord.faults.rateLimit(create, { times: 2, retryAfterMs: 300 });
  discord.faults.rateLimit(create, { times: 1, retryAfterMs: 100, scope: 'shared' });
  await send(discord, made, 'through');
  expect(discord.messages('ops').map(({ content }) => content)).toEqual(['through']);
  expect(discord.counters.rateLimited.get(create)).toBe(3);
  // Limits that are shared are not held against the bot.
  expect(discord.counters.invalidRequests).toBe(2);
});

it('says how much of a storm was given, and ends it', async () => {
  const discord = await lab();
  const made = bot(discord, { rest: { retries: 0, rejectOnRateLimit: () => true } });
  const storm = discord.faults.rateLimit(create, { times: 100, retryAfterMs: 1 });
  for (let time = 0; time < 2; time += 1) await expect(send(discord, made, 'refused')).rejects.toThrow();
  expect(storm.given()).toBe(2);
  storm.end();
  await eventually('one comes through', () => send(discord, made, 'through').then(() => true));
  expect(storm.given()).toBe(2);
  expect(discord.counters.rateLimited.get(create)).toBe(2);
});

it('lets nobody make more requests in a second than the global limit, but for interactions', async () => {
  const discord = await lab({ limits: { globalRequests: 5 } });
  const made = bot(discord, { rest: { globalRequestsPerSecond: 1_000 } });
  await Promise.all(Array.from({ length: 12 }, () => made.api.users.getCurrent()));
  expect(discord.counters.rateLimited.get('GET /users/@me')).toBeGreaterThan(0);
  const before = discord.counters.rateLimited.size;
  await Promise.all(
    Array.from({ length: 12 }, (_, index) => refusalOf(made.api.interactions.defer(String(index), 'token'))),
  );
  expect(discord.counters.rateLimited.size).toBe(before);
});

it('shuts an address out after too many invalid requests', async () => {
  const discord = await lab({ limits: { invalidRequests: 3 } });
  const stranger = bot(discord, { token: 'wrong' });
  for (let time = 0; time < 3; time += 1) {
    stranger.rest.setToken('wrong');
    expect(await refusalOf(stranger.api.users.getCurrent())).toMatchObject({ status: 401 });
  }
  const answer = await fetch(`${discord.api}/v10/users/@me`);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '600']);
});

it('refuses a client that does not say who it is, and another version', async () => {
  const discord = await lab();
  const headers = { authorization: `Bot ${discord.token}` };
  expect((await fetch(`${discord.api}/v10/users/@me`, { headers })).status).toBe(403);
  const old = bot(discord, { rest: { version: '8' } });
  expect(await refusalOf(old.api.users.getCurrent())).toMatchObject({ status: 400, code: 50041 });
});
