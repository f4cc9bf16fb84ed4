import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startLark, startTcpProxy } from '@moltbot/testkit';
import { channels, type DrillPlatform, type Drop } from './drill-platform.ts';

const app = { id: 'cli_0123456789abcdef', secret: 'app-secret' };
const posts = ['POST /im/v1/messages', 'POST /im/v1/messages/:message_id/reply'];
const edits = ['PUT /cardkit/v1/cards/:card_id', 'PUT /cardkit/v1/cards/:card_id/elements/:element_id/content'];
const says = 'im.message.receive_v1';

export async function startDrillLark(): Promise<DrillPlatform> {
  const port = await freePort();
  const network = await startTcpProxy(port);
  const lark = await startLark({
    ...{ port, origin: `http://127.0.0.1:${network.port}` },
    tenants: {
      work: {
        apps: { moltbot: app },
        users: { alice: {} },
        chats: Object.fromEntries([...channels, 'operators'].map((name) => [name, {}])),
      },
    },
  });
  const { faults, counters } = lark;
  const storms: { given(): number }[] = [];
  const requestsOf = (routes: readonly string[]): number =>
    routes.reduce((sum, route) => sum + (counters.requests.get(route) ?? 0), 0);
  return {
    name: 'lark',
    network,
    config: (bot) => ({
      lark: {
        [bot]: {
          ...{ appId: app.id, appSecret: app.secret, api: lark.domain },
          groups: [lark.chatId('operators')],
        },
      },
    }),
    isHeard: () => lark.app().connections().length > 0,
    say: (channel, text) => lark.user('alice').say(channel, text, { mentionBot: true }).id,
    said: (channel) =>
      lark
        .messages(channel)
        .filter(({ byBot, deleted }) => byBot && !deleted)
        .map(({ text, replyTo, at }) => ({ text, replyTo, at })),
    refusals: () => ({
      all: [...counters.rateLimited.values()].reduce((sum, times) => sum + times, 0),
      ordered: storms.reduce((sum, storm) => sum + storm.given(), 0),
    }),
    counted: () =>
      `${counters.connections} connections, ${counters.attempts} events sent, ${requestsOf(posts)} posts, ${requestsOf(edits)} edits`,
    troubles: {
      async storm(forMs) {
        const routes = [...posts, ...edits, 'POST /cardkit/v1/cards'];
        const begun = routes.map((route) => faults.rateLimit(route, { times: 100_000, resetSeconds: 1 }));
        storms.push(...begun);
        await delay(forMs);
        for (const storm of begun) storm.end();
      },
      loseAnswers(random) {
        for (const route of posts) {
          const ways = [
            () => faults.fail(route, { after: true, status: 502, times: random.between(1, 3) }),
            () => faults.cutRequest(route, { after: true }),
            () => faults.hang(route, { after: true }),
          ];
          random.pick(ways)();
        }
        for (const route of edits) faults.fail(route, { after: true, status: random.pick([500, 502, 503]) });
      },
      async restart(random) {
        await faults.offline();
        await delay(random.between(200, 4_000));
        await faults.online();
      },
      drop(random) {
        const ways: readonly Drop[] = [
          { name: 'long connections cut', run: () => void faults.cut() },
          { name: 'long connections stranded', run: () => void faults.strand() },
          { name: 'events twice', run: () => faults.repeatEvents(says, 3) },
          { name: 'events lost', run: () => faults.dropEvents(says, 2) },
          {
            name: 'connections refused',
            run() {
              faults.refuseConnections(1, 2);
              faults.cut();
            },
          },
        ];
        return random.pick(ways);
      },
    },
    clear: faults.clear,
    async stop() {
      await network.stop();
      await lark.stop();
    },
  };
}
