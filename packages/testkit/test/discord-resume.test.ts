import { eventually, freePort, startTcpProxy, type TestDiscord } from '@moltbot/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { type BotOptions, connected, lab, type TestBot } from './discord-lab.ts';

const say = (discord: TestDiscord, ...texts: readonly string[]) => {
  for (const text of texts) discord.user('alice').say('ops', text);
};
const hears = (made: TestBot, text: string) => eventually(`"${text}"`, () => made.heard().includes(text));

it.each([
  ['cut without a word', (discord: TestDiscord) => discord.faults.cut()],
  ['closed with 4000', (discord: TestDiscord) => discord.faults.cut({ code: 4000 })],
  ['told to reconnect (op 7)', (discord: TestDiscord) => discord.faults.reconnect()],
])('replays what a session missed, in order, when it was %s', async (_, harm) => {
  const discord = await lab();
  const made = await connected(discord);
  say(discord, 'before');
  await hears(made, 'before');
  harm(discord);
  await eventually('the cut', () => !discord.sessions()[0]?.connected);
  say(discord, 'one', 'two', 'three');
  await eventually('RESUMED', () => made.events.some(({ t }) => t === 'RESUMED'));
  say(discord, 'after');
  await hears(made, 'after');
  expect(made.heard()).toEqual(['before', 'one', 'two', 'three', 'after']);
  expect(made.events.findIndex(({ t }) => t === 'RESUMED')).toBe(made.events.length - 2);
  expect(discord.counters).toMatchObject({ identifies: 1, resumes: 1, resumed: 1 });
});

it('hands a session over to another process, and ends the connection that had it', async () => {
  const discord = await lab();
  const first = await connected(discord);
  say(discord, 'one');
  await hears(first, 'one');
  const second = await connected(discord, { session: first.session() });
  say(discord, 'two');
  await hears(second, 'two');
  await eventually('the first is closed', () => first.closes.includes(4000));
  expect(second.events.map(({ t }) => t)).toContain('RESUMED');
  expect(discord.counters.identifies).toBe(1);
});

it('is reached by its origin alone, for a session too', async () => {
  const port = await freePort();
  const way = await startTcpProxy(port);
  onTestFinished(() => way.stop());
  const discord = await lab({ port, origin: `http://127.0.0.1:${way.port}` });
  const made = await connected(discord);
  say(discord, 'before');
  await hears(made, 'before');
  expect(way.connections()).toBeGreaterThan(0);
  way.cut();
  await eventually('the cut', () => !discord.sessions()[0]?.connected);
  expect(made.session()?.resumeURL).toContain(`:${way.port}`);
});

it('keeps a session whose client left with 4200, and ends one whose client left with 1000', async () => {
  const discord = await lab();
  const made = await connected(discord);
  const session = made.session();
  await made.gateway.destroy({ code: 4200, reason: 'handover' });
  await eventually('left', () => !discord.sessions()[0]?.connected);
  say(discord, 'meanwhile');
  const heir = await connected(discord, { session });
  await hears(heir, 'meanwhile');
  await heir.gateway.destroy({ code: 1000 });
  await eventually('ended', () => discord.sessions().length === 0);
});

it.each<[string, BotOptions, Parameters<typeof lab>[0]]>([
  ['its time is over', {}, { timing: { resumeWindow: 50, identify: 0 } }],
  ['too much happened', {}, { limits: { replay: 3 }, timing: { identify: 0 } }],
])(
  'answers a RESUME with op 9 when %s: the client begins anew, and has missed what happened',
  async (_, options, settings) => {
    const discord = await lab(settings);
    const made = await connected(discord, options);
    const first = made.session()?.sessionId;
    await discord.faults.offline();
    say(discord, '1', '2', '3', '4', '5');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await discord.faults.online();
    await eventually('a new session', () => made.of('READY').length === 2);
    say(discord, 'after');
    await hears(made, 'after');
    expect(made.heard()).toEqual(['after']);
    expect(made.session()?.sessionId).not.toBe(first);
  },
);

it('resumes on the same connection after a resumable op 9, and begins anew after one that is not', async () => {
  const discord = await lab({ timing: { identify: 0 } });
  const made = await connected(discord);
  discord.faults.invalidate({ resumable: true });
  await eventually('RESUMED', () => made.of('RESUMED').length === 1);
  expect(discord.counters.connections).toBe(1);
  discord.faults.invalidate({ resumable: false });
  await eventually('READY', () => made.of('READY').length === 2);
  expect(discord.counters).toMatchObject({ connections: 2, identifies: 2 });
});

it('refuses connections while it is offline, at which the library drops a session that could be resumed', async () => {
  const discord = await lab({ timing: { identify: 0 } });
  const made = await connected(discord);
  const kept = made.session();
  await discord.faults.offline();
  say(discord, 'during the outage');
  await eventually('the library drops it', () => made.session() === null);
  await discord.faults.online();
  await eventually('a new session', () => made.of('READY').length === 2);
  expect(discord.counters).toMatchObject({ identifies: 2, resumes: 0 });
  expect(made.heard()).toEqual([]);
  const wiser = await connected(discord, { session: kept });
  await hears(wiser, 'during the outage');
});

it('is found to be a zombie by a client whose heartbeats it ignores', async () => {
  const discord = await lab({ timing: { heartbeat: 150 } });
  const made = await connected(discord);
  discord.faults.ignoreHeartbeats(true);
  await eventually('the client leaves', () => discord.counters.connections > 1);
  discord.faults.ignoreHeartbeats(false);
  await eventually('RESUMED', () => discord.counters.resumed > 0);
  say(discord, 'alive');
  await hears(made, 'alive');
  expect(discord.counters.identifies).toBe(1);
});

it('leaves a client alone that sends its heartbeats', async () => {
  const discord = await lab({ timing: { heartbeat: 2_000 } });
  const made = await connected(discord);
  let beats = 0;
  made.gateway.on('heartbeat', () => {
    beats += 1;
  });
  await eventually('several heartbeats', () => beats >= 3);
  expect([discord.counters.connections, made.closes]).toEqual([1, []]);
});

it('asks for a heartbeat with op 1', async () => {
  const discord = await lab();
  const made = await connected(discord);
  let beats = 0;
  made.gateway.on('heartbeat', () => {
    beats += 1;
  });
  discord.faults.askForHeartbeat();
  await eventually('a heartbeat', () => beats === 1);
});

it('keeps or loses its sessions over a restart', async () => {
  const discord = await lab({ timing: { identify: 0 } });
  const made = await connected(discord);
  await discord.faults.restart({ keepSessions: true });
  say(discord, 'meanwhile');
  await hears(made, 'meanwhile');
  expect(made.of('READY')).toHaveLength(1);
  await discord.faults.restart();
  await eventually('a new session', () => made.of('READY').length === 2);
});

it('holds everything while it is frozen, and loses nothing', async () => {
  const discord = await lab();
  const made = await connected(discord);
  discord.faults.freeze();
  say(discord, 'frozen');
  const sent = made.api.channels.createMessage(discord.channelId('general'), { content: 'late' });
  const early = await Promise.race([
    sent.then(() => 'answered'),
    new Promise((resolve) => setTimeout(resolve, 200, 'held')),
  ]);
  expect([early, made.heard()]).toEqual(['held', []]);
  discord.faults.thaw();
  await sent;
  await hears(made, 'frozen');
  expect(discord.counters.connections).toBe(1);
});
