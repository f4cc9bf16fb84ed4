import { eventually, type TestLark } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { openStore, recordingChat, startBot, startLab } from './lab.ts';

const connected = (lark: TestLark, count = 1) =>
  eventually('the connections', () => lark.app().connections().length === count);

it('connects again, whatever the platform answers', async () => {
  const lark = await startLab();
  lark.faults.refuseConnections(1, 2);
  const chat = recordingChat();
  const bot = await startBot(lark, { chat, store: await openStore() });
  await eventually('it says so', () => !bot.health().ok);
  await connected(lark);
  await eventually('it says so', () => bot.health().ok);
  lark.faults.refuseConnections(1000040350);
  lark.faults.cut();
  await connected(lark, 0);
  lark.user('alice').dm('meanwhile');
  await connected(lark);
  await eventually('what was said meanwhile', () => chat.heard.length === 1);
}, 25_000);

it('connects again when the platform was away', async () => {
  const lark = await startLab();
  const chat = recordingChat();
  await lark.faults.offline();
  await startBot(lark, { chat, store: await openStore() });
  lark.user('alice').dm('one');
  await lark.faults.online();
  await eventually('the first', () => chat.heard.length === 1);
  await lark.faults.offline();
  lark.user('alice').dm('two');
  await lark.faults.online();
  await eventually('the second', () => chat.heard.length === 2);
  expect(chat.texts()).toEqual(['one', 'two']);
}, 25_000);

it('finds out that a connection is dead though it stands', async () => {
  const lark = await startLab({ timing: { acknowledge: 200, retryScale: 0.01 } });
  const chat = recordingChat();
  await startBot(lark, { chat, store: await openStore() });
  await connected(lark);
  expect(lark.faults.strand()).toBe(1);
  const since = performance.now();
  lark.user('alice').dm('uptime');
  await eventually('the event', () => chat.heard.length === 1);
  expect(lark.counters.connections).toBe(2);
  // Half a second between pings here; in earnest twenty, and fifteen for the answer.
  expect(performance.now() - since).toBeLessThan(6_000);
});
