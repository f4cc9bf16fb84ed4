import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startChatLab } from './lab.ts';
import { startTestDiscord, startTestLark, type TestPlatform, untilSaid } from './platforms.ts';

const staleAfterMs = 10_000;

interface Breakable {
  readonly platform: TestPlatform;
  readonly faults: { offline(): Promise<void>; online(): Promise<void> };
}

async function startDiscordWithFaults(): Promise<Breakable> {
  const platform = await startTestDiscord({ isPatient: true });
  return { platform, faults: platform.discord.faults };
}

async function startLarkWithFaults(): Promise<Breakable> {
  const platform = await startTestLark();
  return { platform, faults: platform.lark.faults };
}

test.each([
  ['Discord', startDiscordWithFaults],
  ['Lark', startLarkWithFaults],
])(
  'a command that reaches the bot long after it was sent on %s is run when its sender says so, once, and never when not',
  async (_name, start) => {
    const { platform, faults } = await start();
    onTestFinished(() => platform.stop());
    const config = { staleAfter: `${staleAfterMs / 1_000}s`, ...platform.config };
    const lab = await startChatLab({ ...platform, config });
    onTestFinished(() => lab.stop());
    const file = (name: string): string => join(lab.directory, name);
    const say = (name: string): string => platform.say('alice', `run on:web-1 -- echo ${name} >> ${file(name)}`);
    const answerTo = (id: string, ...parts: readonly string[]) =>
      untilSaid(`an answer with ${parts.join(', ')}`, platform, ({ replyTo, text }) => {
        return replyTo === id && parts.every((part) => text.toLowerCase().includes(part.toLowerCase()));
      });

    await faults.offline();
    const [wanted, unwanted] = [say('wanted'), say('unwanted')];
    await delay(staleAfterMs + 500);
    const fresh = say('fresh');
    await faults.online();

    await answerTo(fresh, 'succeeded');
    const [question, other] = [await answerTo(wanted, 'run it now?'), await answerTo(unwanted, 'run it now?')];
    for (const { text, buttons } of [question, other]) {
      expect(text).toMatch(/Sent \d\d s ago/);
      expect(buttons).toEqual(['Run now', 'Dismiss']);
    }
    // What has come late is answered in its place.
    const order = platform
      .said()
      .flatMap(({ replyTo }) => ([wanted, unwanted].includes(replyTo ?? '') ? [replyTo] : []));
    expect(order).toEqual([wanted, unwanted]);
    // It is the sender's to say.
    await platform.press('bob', question.id, 'Run now');
    await Promise.all([
      platform.press('alice', question.id, 'Run now'),
      platform.press('alice', question.id, 'Run now'),
    ]);
    await platform.press('alice', other.id, 'Dismiss');
    await answerTo(wanted, 'succeeded');
    expect((await answerTo(wanted, 'Run by alice')).buttons).toEqual([]);
    expect((await answerTo(unwanted, 'Dismissed by')).buttons).toEqual([]);
    await answerTo(say('last'), 'succeeded');
    expect(readFileSync(file('fresh'), 'utf8')).toBe('fresh\n');
    expect(readFileSync(file('wanted'), 'utf8')).toBe('wanted\n');
    expect(existsSync(file('unwanted'))).toBe(false);
  },
  60_000,
);
