import { setTimeout as delay } from 'node:timers/promises';
import { type DiscordMessage, freePort, startDiscord, startTcpProxy } from '@moltbot/testkit';
import { channels, type DrillPlatform, type Drop, type SaidByBot } from './drill-platform.ts';

const post = 'POST /channels/:channel/messages';
const edit = 'PATCH /channels/:channel/messages/:message';

/** @param resumeWindowMs how long a session without a connection can be resumed */
export async function startDrillDiscord(resumeWindowMs = 180_000): Promise<DrillPlatform> {
  const port = await freePort();
  const network = await startTcpProxy(port);
  const discord = await startDiscord({
    ...{ port, origin: `http://127.0.0.1:${network.port}`, users: { alice: {} } },
    guilds: {
      work: {
        channels: Object.fromEntries(channels.map((name) => [name, {}])),
        roles: { operators: {} },
        members: { alice: ['operators'] },
      },
    },
    timing: { resumeWindow: resumeWindowMs },
  });
  const { faults, counters } = discord;
  const storms: { given(): number }[] = [];
  return {
    name: 'discord',
    network,
    config: (bot) => ({
      discord: {
        [bot]: {
          ...{ token: discord.token, api: discord.api, messageContent: true },
          guilds: { [discord.guildId('work')]: { roles: [discord.roleId('work', 'operators')] } },
        },
      },
    }),
    isHeard: () => discord.sessions().some(({ connected }) => connected),
    say: (channel, text) => discord.user('alice').say(channel, text, { mentions: ['moltbot'] }).id,
    said: (channel) =>
      discord
        .messages(channel)
        .filter(({ author, deleted }) => author === 'moltbot' && !deleted)
        .map(read),
    refusals: () => ({
      all: [...counters.rateLimited.values()].reduce((sum, times) => sum + times, 0),
      ordered: storms.reduce((sum, storm) => sum + storm.given(), 0),
    }),
    counted: () =>
      `${counters.identifies} IDENTIFY, ${counters.resumed} of ${counters.resumes} RESUME, ${counters.requests.get(post) ?? 0} posts, ${counters.requests.get(edit) ?? 0} edits`,
    troubles: {
      async storm(forMs) {
        const begun = [post, edit].map((route) => faults.rateLimit(route, { times: 100_000, retryAfterMs: 1_000 }));
        storms.push(...begun);
        await delay(forMs);
        for (const storm of begun) storm.end();
      },
      loseAnswers(random) {
        const ways = [
          () => faults.fail(post, { after: true, status: 502, times: random.between(1, 3) }),
          () => faults.cutRequest(post, { after: true }),
          () => faults.hang(post, { after: true }),
        ];
        random.pick(ways)();
        faults.fail(edit, { after: true, status: random.pick([500, 502, 503]), times: random.between(1, 2) });
      },
      async restart(random) {
        const isLost = random.between(0, 1) === 1;
        await faults.offline();
        if (isLost) faults.forgetSessions();
        await delay(random.between(200, 4_000));
        await faults.online();
      },
      drop(random) {
        const ways: readonly Drop[] = [
          { name: 'gateway cut', run: () => faults.cut() },
          { name: 'gateway closed with 4000', run: () => faults.cut({ code: 4000 }) },
          { name: 'op 7', run: () => faults.reconnect() },
          { name: 'op 9, resumable', run: () => faults.invalidate({ resumable: true }) },
          { name: 'op 9, session lost', run: () => faults.invalidate({ resumable: false }) },
          { name: 'events twice', run: () => faults.repeatDispatch('MESSAGE_CREATE', 3) },
        ];
        return random.pick(ways);
      },
    },
    clear: faults.clear,
    async stop() {
      await network.stop();
      await discord.stop();
    },
  };
}

const read = ({ content, embeds, replyTo, at }: DiscordMessage): SaidByBot => {
  const parts = embeds.flatMap(({ title, description, fields = [], footer }) => [
    ...[title, description],
    ...fields.flatMap(({ name, value }) => [name, value]),
    footer?.text,
  ]);
  return { replyTo, at, text: [content, ...parts].filter((part) => part).join('\n') };
};
