import { eventually } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { identifiesPerDay } from '../src/gateway/identify-budget.ts';
import { clockOfThisProcess, startLab } from './lab.ts';

const sessionOf = { tenant: 'default', kind: 'chat.session', id: 'discord.main' } as const;

it('goes on with the session of an instance that was killed, and loses nothing', async () => {
  const lab = await startLab();
  const { discord } = lab;
  const first = await lab.connected();
  const second = await lab.start();
  const alice = discord.user('alice');
  alice.say('general', '!one');
  await eventually('one', () => first.chat.said().includes('one'));
  await eventually(
    'it is noted',
    async () => Number(JSON.parse((await lab.store.getRecord(sessionOf))?.value ?? '{}').handled) >= 3,
  );
  first.kill();
  const killedAt = performance.now();
  alice.say('general', '!two');
  alice.slash('general', 'run', { command: 'a', on: 'b' });
  alice.say('general', '!three');
  await eventually('three', () => second.chat.said().includes('three'));
  expect(performance.now() - killedAt).toBeLessThan(3_000);
  expect(second.chat.said().filter((text) => text !== 'run')).toEqual(['two', 'three']);
  expect(second.chat.said()).toContain('run');
  expect(discord.counters).toMatchObject({ identifies: 1, resumed: 1 });
});

it('gives what was in hand when it was killed to the next one', async () => {
  const lab = await startLab();
  const first = await lab.connected();
  first.chat.onHandle = (incoming) =>
    incoming.kind === 'text' && incoming.text === 'two' ? new Promise(() => {}) : Promise.resolve();
  const second = await lab.start();
  for (const text of ['!one', '!two', '!three']) lab.discord.user('alice').say('general', text);
  await eventually('two', () => first.chat.said().includes('two'));
  await eventually(
    'one is noted',
    async () => Number(JSON.parse((await lab.store.getRecord(sessionOf))?.value ?? '{}').handled) >= 3,
  );
  first.kill();
  await eventually('three', () => second.chat.said().includes('three'));
  expect(second.chat.said()).toEqual(['two', 'three']);
});

it('hands over at once when it stops, by a session that can be resumed', async () => {
  const lab = await startLab();
  const { discord } = lab;
  const first = await lab.connected();
  const second = await lab.start();
  const began = performance.now();
  await first.ingress.quiesce(AbortSignal.timeout(5_000));
  discord.user('alice').say('general', '!one');
  await eventually('one', () => second.chat.said().includes('one'));
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(discord.counters).toMatchObject({ identifies: 1, resumed: 1 });
});

it('reads what was written while a session was lost, oldest first, before what comes now', async () => {
  const lab = await startLab({ guilds: { ops: { roles: { deployers: {} }, members: { alice: ['deployers'] } } } });
  const { discord } = lab;
  const { chat } = await lab.connected();
  const alice = discord.user('alice');
  alice.say('general', '!before');
  alice.dm('direct');
  await eventually('before', () => chat.said().includes('before') && chat.said().includes('direct'));
  await discord.faults.offline();
  discord.faults.forgetSessions();
  alice.say('general', '!one');
  alice.say('general', 'not for it');
  alice.say('ops', '!elsewhere');
  alice.say('general', '!two');
  alice.dm('direct again');
  await discord.faults.online();
  await eventually('a new session', () => discord.sessions().some(({ connected }) => connected));
  alice.say('general', '!now');
  await eventually('all', () => chat.said().length >= 7);
  const texts = chat.incoming.filter(({ place }) => place.channel === discord.channelId('general'));
  expect(texts.map((each) => each.kind === 'text' && each.text)).toEqual(['before', 'one', 'two', 'now']);
  expect(chat.said()).toEqual(expect.arrayContaining(['elsewhere', 'direct again']));
  expect(chat.incoming.find((each) => each.kind === 'text' && each.text === 'one')?.actor.roles).toHaveLength(1);
});

it('reads it in the next instance, when the one that began the new session is killed over it', async () => {
  const lab = await startLab();
  const { discord } = lab;
  const first = await lab.connected();
  discord.user('alice').say('general', '!before');
  await eventually('before', () => first.chat.said().includes('before'));
  const second = await lab.start();
  first.chat.onHandle = () => new Promise(() => {});
  await discord.faults.offline();
  discord.faults.forgetSessions();
  for (const text of ['!one', '!two']) discord.user('alice').say('general', text);
  await discord.faults.online();
  await eventually('it reads', () => first.chat.said().includes('one'));
  await eventually('the new session is noted', async () =>
    (await lab.store.getRecord(sessionOf))?.value.includes('"hasGap":true'),
  );
  // The new session tells the next instance of it before it says that it goes on.
  discord.user('alice').say('general', '!three');
  first.kill();
  await eventually('three', () => second.chat.said().includes('three'));
  expect(second.chat.said()).toEqual(['one', 'two', 'three']);
  await eventually('the gap is closed', async () =>
    (await lab.store.getRecord(sessionOf))?.value.includes('"hasGap":false'),
  );
});

it.each([
  ['a cut', (lab: Awaited<ReturnType<typeof startLab>>) => lab.discord.faults.cut()],
  ['op 7', (lab: Awaited<ReturnType<typeof startLab>>) => lab.discord.faults.reconnect()],
  [
    'op 9 that can be resumed',
    (lab: Awaited<ReturnType<typeof startLab>>) => lab.discord.faults.invalidate({ resumable: true }),
  ],
])('resumes after %s', async (_, harm) => {
  const lab = await startLab();
  const { chat } = await lab.connected();
  harm(lab);
  lab.discord.user('alice').say('general', '!meanwhile');
  await eventually('it', () => chat.said().includes('meanwhile'));
  expect(lab.discord.counters).toMatchObject({ identifies: 1, resumed: 1 });
});

it('keeps its session over an outage in which nothing answers', async () => {
  const lab = await startLab();
  const { chat } = await lab.connected();
  await lab.discord.faults.offline();
  lab.discord.user('alice').say('general', '!meanwhile');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await lab.discord.faults.online();
  await eventually('it', () => chat.said().includes('meanwhile'));
  expect(lab.discord.counters).toMatchObject({ identifies: 1, resumed: 1 });
});

it('begins a new session after op 9 that cannot be resumed', async () => {
  const lab = await startLab();
  const { chat } = await lab.connected({ timing: { lookEvery: 200 } });
  await lab.store.dropRecord({ tenant: 'default', kind: 'chat.identifies', id: 'discord.main' });
  lab.discord.faults.invalidate({ resumable: false });
  lab.discord.user('alice').say('general', '!meanwhile');
  await eventually('it', () => chat.said().includes('meanwhile'));
  expect(lab.discord.counters.identifies).toBe(2);
});

it('finds a connection that answers no heartbeats', async () => {
  const lab = await startLab();
  const timing = { lookEvery: 50, probeAfter: 200, deadAfter: 600 };
  const { chat } = await lab.connected({ timing });
  lab.discord.faults.ignoreHeartbeats(true);
  await eventually('it connects anew', () => lab.discord.counters.connections > 1);
  lab.discord.faults.ignoreHeartbeats(false);
  lab.discord.user('alice').say('general', '!alive');
  await eventually('it', () => chat.said().includes('alive'));
  expect(lab.discord.counters.identifies).toBe(1);
});

it('leaves a silent connection alone that answers its heartbeats', async () => {
  const clock = clockOfThisProcess();
  const lab = await startLab({}, clock);
  const { chat } = await lab.connected({ timing: { lookEvery: 50, probeAfter: 100, deadAfter: 400 } });
  const since = clock.monotonic();
  await eventually('three times as long as is too long', () => clock.monotonic() > since + 1_200);
  lab.discord.user('alice').say('general', '!alive');
  await eventually('it', () => chat.said().includes('alive'));
  expect(lab.discord.counters.connections).toBe(1);
});

it('finds a connection that answers heartbeats and brings no messages, and reads them', async () => {
  const lab = await startLab();
  const { chat } = await lab.connected({ timing: { listenEvery: 150 } });
  const alice = lab.discord.user('alice');
  alice.say('general', '!before');
  await eventually('before', () => chat.said().includes('before'));
  lab.discord.faults.dropDispatch('MESSAGE_CREATE', 1);
  alice.say('general', '!unheard');
  await eventually('it', () => chat.said().includes('unheard'));
  await eventually('it connects anew', () => lab.discord.counters.connections > 1);
  expect(chat.said()).toEqual(['before', 'unheard']);
});

it('begins no more sessions than a day has, and says so', async () => {
  const lab = await startLab();
  const spent = Array.from({ length: identifiesPerDay }, (_, index) => Date.now() - 3_600_000 + index);
  await lab.store.putRecord({ tenant: 'default', kind: 'chat.identifies', id: 'discord.main' }, JSON.stringify(spent));
  const { ingress } = await lab.start();
  const detail = await eventually(
    'it says so',
    () => ingress.health().detail?.match(/budget/) && ingress.health().detail,
  );
  expect(detail).toMatch(/^1380 minutes until a new session/);
  expect(lab.discord.counters).toMatchObject({ connections: 0, identifies: 0 });
});

it('counts the sessions that it begins', async () => {
  const lab = await startLab();
  await lab.connected();
  const record = await lab.store.getRecord({ tenant: 'default', kind: 'chat.identifies', id: 'discord.main' });
  expect(JSON.parse(record?.value ?? '[]')).toHaveLength(1);
});

it('says what to do when an intent is not granted', async () => {
  const lab = await startLab({ grantedIntents: [] });
  const { ingress } = await lab.start();
  await eventually('it says so', () => ingress.health().detail?.includes('Message Content'));
});

it('comes up though nothing of what was kept can be read, and goes on without it', async () => {
  const lab = await startLab();
  const kept = [
    ['chat.session', 'discord.main'],
    ['chat.seen', 'discord.main.17'],
    ['chat.seen', 'discord.main.18'],
    ['chat.identifies', 'discord.main'],
  ] as const;
  for (const [index, [kind, id]] of kept.entries())
    await lab.store.putRecord({ tenant: 'default', kind, id }, index % 2 === 0 ? '{"half' : 'null');
  const { chat } = await lab.connected();
  lab.discord.user('alice').say('general', '!one');
  await eventually('one', () => chat.said().includes('one'));
  await eventually(
    'it is noted',
    async () => Number(JSON.parse((await lab.store.getRecord(sessionOf))?.value ?? '{}').handled) >= 3,
  );
});
