import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ChatLab, startChatLab } from './lab.ts';
import { type Said, startTestDiscord, startTestLark, type TestPlatform, untilSaid } from './platforms.ts';

const lines = 10_000;
/** Of each line, with its number in front: 10 MB in all, so that an output that is kept anywhere is seen. */
const width = 1_000;
const padding = '.'.repeat(width - 6);
const wholeOutput = Array.from({ length: lines }, (_, n) => `${String(n + 1).padStart(5, '0')}${padding}\n`).join('');
const megabyte = 1024 * 1024;
/** While it runs, the process may come to hold so much more: less than half of the output. */
const mayGrowBy = 4 * megabyte;

describe.each([
  ['Discord', () => startTestDiscord({ isPatient: false })],
  ['Lark', startTestLark],
])('long output on %s, with its own limits', (_name, start) => {
  let platform: TestPlatform;
  let lab: ChatLab;
  beforeAll(async () => {
    platform = await start();
    lab = await startChatLab(platform);
    await ended(platform.say('alice', 'run on:web-1 -- echo warm'));
  }, 60_000);
  afterAll(async () => {
    await lab?.stop();
    await platform?.stop();
  });

  const answersTo = (id: string) => (said: Said) => said.replyTo === id && said.files.length === 0;
  const ended = (id: string): Promise<Said> =>
    untilSaid('the end', platform, (said) => answersTo(id)(said) && said.text.includes('succeeded'));
  /** The final message shows the end and its file has all, of which `print` writes the lines. */
  const expectWhole = async (said: Said): Promise<void> => {
    for (const part of [`\n${lines}`, 'exit code 0']) expect(said.text).toContain(part);
    expect(said.text).not.toContain('\n05000');
    expect(said.buttons).toEqual(['Rerun', 'Details']);
    const file = await eventually('the file', () =>
      platform.said().find(({ files, replyTo }) => files.length > 0 && replyTo === said.id),
    );
    // Not by `toBe`: nobody reads a difference of megabytes.
    expect(file.files[0]?.text() === wholeOutput).toBe(true);
  };

  test('10,000 lines over seven seconds or more are followed within the budget, in flat memory, and others are answered', async () => {
    const held: number[] = [];
    const part = lines / 50;
    const print = `seq -f %05g${padding} $((n * ${part} + 1)) $((n * ${part} + ${part}))`;
    // The last part waits for it, however long the other takes on a busy machine.
    const directory = await mkdtemp(join(tmpdir(), 'molt-others-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await chmod(directory, 0o755);
    const mayEnd = join(directory, 'answered');
    const holdLast = `[ $n -lt 49 ] || until [ -e ${mayEnd} ]; do sleep 0.05; done`;
    const began = performance.now();
    const id = platform.say(
      'alice',
      `run on:web-1 -- for n in $(seq 0 49); do ${holdLast}; ${print}; sleep 0.15; done`,
    );
    const isRunning = (): boolean => platform.said().some((said) => answersTo(id)(said) && /running/.test(said.text));
    // Collecting stops all else: not so often that it would be the load. Its file is made when it has ended.
    const samples = setInterval(() => isRunning() && held.push(heldBytes()), 1_000);
    onTestFinished(() => clearInterval(samples));
    await untilSaid('lines of it', platform, ({ replyTo, versions }) => replyTo === id && versions.length > 1, 60_000);
    expect(isRunning()).toBe(true);
    const other = platform.say('bob', 'run on:host-01 -- echo $((6 * 7))');
    const answered = await ended(other);
    expect(isRunning()).toBe(true);
    expect(answered.text).toContain('42');
    await eventually('samples enough', () => held.length > 3, { withinMs: 30_000 });
    await writeFile(mayEnd, '');
    const said = await ended(id);
    clearInterval(samples);
    const longer = Math.max(1, (performance.now() - began) / 10_000);
    await expectWhole(said);
    // What is shown while it runs is what was printed last, not all of it in turn.
    expect(said.versions.length).toBeGreaterThan(2);
    expect(said.versions.length).toBeLessThanOrEqual((platform.name === 'discord' ? 12 : 20) * longer);
    expect(growthOf(held)).toBeLessThan(mayGrowBy);
    expect(platform.refusals()).toBe(0);
  }, 150_000);

  test('10,000 lines at full speed end in the right message and a whole file', async () => {
    await expectWhole(await ended(platform.say('alice', `run on:web-1 -- seq -f %05g${padding} 1 ${lines}`)));
    expect(platform.refusals()).toBe(0);
  });
});

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** What cannot be collected, buffers too. */
function heldBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** From any sample to any later one, at most: what is collected late makes the first ones high. */
const growthOf = (held: readonly number[]): number =>
  Math.max(...held.map((bytes, index) => bytes - Math.min(...held.slice(0, index + 1))));
