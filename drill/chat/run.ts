import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../random.ts';
import type { DrillPlatform } from './drill-platform.ts';
import type { ChatFault, Victims } from './faults.ts';
import { type Ground, writeConfig } from './ground.ts';
import { startIngresses } from './ingresses.ts';
import { createPeople } from './people.ts';
import { type Findings, judge } from './verdict.ts';

export interface RunOptions {
  readonly ground: Ground;
  readonly platform: DrillPlatform;
  /** Of no other run on the ground. */
  readonly bot: string;
  readonly seed: number;
  readonly commands: number;
  program(victims: Victims): readonly ChatFault[];
  /** After the last fault, for the answers that are still to come, ms. */
  readonly endsWithinMs: number;
  say?(line: string): void;
}

export interface ChatRun {
  readonly findings: Findings;
  readonly faults: readonly string[];
  readonly seconds: number;
  /** Where the logs of the ingresses are; they stay when something is wrong. */
  readonly directory: string;
}

/** Between two faults, on average, ms. */
const pauseMs = 1_500;
/** What may still come: a second answer would. */
const settleMs = 3_000;
const takeOverWithinMs = 30_000;

/** People give commands in three channels while the bot, the platform and the way between them are hurt. */
export async function runChat(options: RunOptions): Promise<ChatRun> {
  const { ground, platform, bot, seed, commands, program, endsWithinMs, say = () => {} } = options;
  const directory = mkdtempSync(join(tmpdir(), `moltbot-chat-${bot}-`));
  const journal = join(directory, 'journal');
  writeFileSync(journal, '');
  chmodSync(directory, 0o755);
  writeConfig(directory, { ...ground.config, platforms: { staleAfter: '15m', ...platform.config(bot) } });
  const ingresses = await startIngresses(platform.name, directory);
  const begin = performance.now();
  const stamp = (): string => `${((performance.now() - begin) / 1_000).toFixed(0).padStart(5)} s`;
  const kills: number[] = [];
  const people = createPeople({ platform, journal, random: createRandom(seed + 1) });
  const lines = (): string[] => readFileSync(journal, 'utf8').split('\n').filter(Boolean);
  const look = (): Findings => judge({ said: people.said, lines: lines(), platform, kills });
  const until = async (isSo: () => boolean, withinMs: number): Promise<void> => {
    const end = performance.now() + withinMs;
    while (!isSo() && performance.now() < end) await delay(50);
  };
  const tell = (what: string): void => {
    const { said, answered } = look();
    say(`${stamp()}  ${what}: ${said} said, ${answered} answered`);
  };
  try {
    const onKill = async (): Promise<void> => {
      const takeOver = kills.push(Date.now());
      // Somebody speaks just now, and waits for whoever takes over.
      people.hurry();
      await until(() => look().takeOverMs.length >= takeOver, takeOverWithinMs);
    };
    const random = createRandom(seed);
    const faults = program({ platform, ingresses, random, onKill });
    await until(platform.isHeard, takeOverWithinMs);
    people.greet();
    await until(() => look().isComplete, takeOverWithinMs);
    const shares = sharesOf(faults, commands - people.said.length);
    for (const [index, fault] of faults.entries()) {
      tell(fault.name);
      const share = shares[index] ?? 0;
      const hurt = fault.run().then(() => delay(random.between(0, 2 * pauseMs)));
      await Promise.all([hurt, people.speak(share, (fault.lastsMs + pauseMs) / share)]);
    }
    platform.clear();
    await until(() => look().isComplete, endsWithinMs);
    tell('over');
    await delay(settleMs);
    const seconds = (performance.now() - begin) / 1_000;
    return { findings: look(), faults: faults.map(({ name }) => name), seconds, directory };
  } finally {
    await ingresses.stop();
    if (look().wrong.length === 0) rmSync(directory, { recursive: true, force: true });
  }
}

/** How many commands are given while each fault lasts. */
function sharesOf(faults: readonly ChatFault[], commands: number): readonly number[] {
  const whole = faults.reduce((sum, { lastsMs }) => sum + lastsMs + pauseMs, 0);
  let passed = 0;
  let given = 0;
  return faults.map(({ lastsMs }) => {
    passed += lastsMs + pauseMs;
    const share = Math.ceil((commands * passed) / whole) - given;
    given += share;
    return share;
  });
}
