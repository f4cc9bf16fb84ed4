import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChatLab, startChatLab } from './lab.ts';
import { startTestDiscord, startTestLark, type TestPlatform, untilSaid } from './platforms.ts';

describe.each([
  ['Discord', () => startTestDiscord({ isPatient: false })],
  ['Lark', startTestLark],
])('many commands on %s, with its own limits', (_name, start) => {
  let platform: TestPlatform;
  let lab: ChatLab;
  beforeAll(async () => {
    platform = await start();
    lab = await startChatLab(platform);
  }, 60_000);
  afterAll(async () => {
    await lab?.stop();
    await platform?.stop();
  });

  test('20 at once are answered in their order, each once, and never faster than may be', async () => {
    const ids = Array.from({ length: 20 }, (_, n) =>
      platform.say('alice', `run on:web-1 -- echo answer $((${n} + 0))`),
    );
    const isEnd = (id: string) =>
      untilSaid('its end', platform, (said) => said.replyTo === id && /succeeded/.test(said.text), 50_000);
    const all = await Promise.all(ids.map(isEnd));
    for (const [n, { text }] of all.entries()) expect(text).toContain(`answer ${n}\n`);
    const order = platform.said().flatMap(({ replyTo }) => (ids.includes(replyTo ?? '') ? [replyTo] : []));
    expect(order).toEqual(ids);
    expect(platform.refusals()).toBe(0);
  }, 60_000);
});
