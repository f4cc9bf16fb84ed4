import { eventually } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { lab, type RawClient, rawClient } from './discord-lab.ts';

// What the vendor's library never does.

it.each<[number, string, (client: RawClient) => unknown]>([
  [4001, 'an unknown opcode', (client) => [client.identify(), client.send({ op: 99 })]],
  [4002, 'no JSON', (client) => client.send('{')],
  [4002, 'more than 4096 bytes', (client) => client.send({ op: 1, d: 'x'.repeat(4096) })],
  [4002, 'an IDENTIFY without properties', (client) => client.identify({ properties: undefined })],
  [4003, 'a payload before IDENTIFY', (client) => client.send({ op: 3, d: {} })],
  [4004, 'a wrong token', (client) => client.identify({ token: 'x' })],
  [4005, 'a second IDENTIFY', (client) => [client.identify(), client.identify()]],
  [4010, 'a shard that there is not', (client) => client.identify({ shard: [2, 2] })],
  [4013, 'an intent that there is not', (client) => client.identify({ intents: 1 << 30 })],
  [4014, 'an intent that is not granted', (client) => client.identify({ intents: 1 << 15 })],
])('closes with %i for %s', async (code, _, act) => {
  const client = rawClient(await lab({ grantedIntents: [] }));
  act(client);
  expect(await client.closed).toBe(code);
});

it('closes with 4012 for another version, and 4002 for what it does not speak', async () => {
  const discord = await lab();
  expect(await rawClient(discord, 'v=6&encoding=json').closed).toBe(4012);
  expect(await rawClient(discord, 'v=10&encoding=etf').closed).toBe(4002);
});

it('closes with 4008 when more than 120 payloads come in a minute', async () => {
  const client = rawClient(await lab());
  for (let beat = 0; beat < 121; beat += 1) client.send({ op: 1, d: null });
  expect(await client.closed).toBe(4008);
  expect(client.received.filter(({ op }) => op === 11)).toHaveLength(120);
});

it('closes with 4007 for a sequence that was never sent, and the session is gone', async () => {
  const discord = await lab();
  const first = rawClient(discord);
  first.identify();
  const ready = await eventually('READY', () => first.received.find(({ t }) => t === 'READY'));
  const { session_id: sessionId } = ready.d as { session_id: string };
  const resume = { op: 6, d: { token: discord.token, session_id: sessionId, seq: 1_000 } };
  const second = rawClient(discord);
  second.send(resume);
  expect(await second.closed).toBe(4007);
  const third = rawClient(discord);
  third.send({ ...resume, d: { ...resume.d, seq: 1 } });
  expect(await eventually('op 9', () => third.received.find(({ op }) => op === 9))).toMatchObject({ d: false });
});

it('cuts a client that sends no heartbeats, and keeps its session for a RESUME', async () => {
  const discord = await lab({ timing: { heartbeat: 100 } });
  const silent = rawClient(discord);
  silent.identify();
  expect(await silent.closed).toBe(4009);
  const session = await eventually('lost', () => discord.sessions().find(({ connected }) => !connected));
  const back = rawClient(discord);
  back.send({ op: 6, d: { token: discord.token, session_id: session.id, seq: session.seq } });
  await eventually('RESUMED', () => back.received.find(({ t }) => t === 'RESUMED'));
});

it('answers an IDENTIFY that comes too early with op 9 false', async () => {
  const discord = await lab();
  const [first, second] = [rawClient(discord), rawClient(discord)];
  first.identify();
  await eventually('READY', () => first.received.find(({ t }) => t === 'READY'));
  second.identify();
  expect(await eventually('op 9', () => second.received.find(({ op }) => op === 9))).toMatchObject({ d: false });
});
