import { startDrillDiscord } from './chat/discord.ts';
import type { DrillPlatform } from './chat/drill-platform.ts';
import { programOf } from './chat/faults.ts';
import { type Ground, startGround } from './chat/ground.ts';
import { startDrillLark } from './chat/lark.ts';
import { type ChatRun, runChat } from './chat/run.ts';
import { countOf, flagsOf, wordOf } from './flags.ts';

const flags = flagsOf({
  runs: { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  platform: { type: 'string' },
  commands: { type: 'string', default: '50' },
  /** Of the one long cut of the last run, seconds; 0: none. */
  longest: { type: 'string', default: '300' },
  verbose: { type: 'boolean', default: false },
});
const platforms = ['discord', 'lark'] as const;
const names = flags.platform === undefined ? platforms : [wordOf('platform', flags.platform, platforms)];
const runs = countOf('runs', flags.runs);
const seed = countOf('seed', flags.seed);
const commands = countOf('commands', flags.commands);
const longest = countOf('longest', flags.longest);
const endsWithinMs = 5 * 60_000;
/** A cut of 30 s is in one run of so many. */
const longCutEvery = 3;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const starts = { discord: startDrillDiscord, lark: startDrillLark } as const;

/** In the last run of several, the network is away for the longest time. */
function longCutOf(n: number): number {
  if (runs > 1 && n === runs - 1) return longest;
  return n % longCutEvery === 0 ? 30 : 0;
}

async function runOne(ground: Ground, platform: DrillPlatform, n: number): Promise<ChatRun> {
  const run = await runChat({
    ...{ ground, platform, commands, endsWithinMs, bot: `drill-${platform.name}-${n}`, seed: seed * 1_000 + n },
    program: (victims) => programOf(victims, longCutOf(n)),
    ...(flags.verbose && { say }),
  });
  say(`${platform.name} run ${n + 1}/${runs}, seed ${seed * 1_000 + n}: ${platform.counted()}`);
  say(`  ${run.faults.join(', ')}`);
  for (const wrong of run.findings.wrong) say(`  WRONG (logs in ${run.directory}): ${wrong}`);
  return run;
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

function report(name: string, all: readonly ChatRun[]): string {
  const rows = all.map(({ findings: found, faults, seconds: took }, n) =>
    [
      ...[n + 1, faults.length, `${found.ranOnce}/${found.said}`, `${found.answered}/${found.said}`, found.outOfOrder],
      ...[`${found.ownRefusals} (${found.orderedRefusals})`, found.takeOverMs.map(seconds).join(', ')],
      took.toFixed(0),
    ].join(' | '),
  );
  const sum = (of: (run: ChatRun) => number): number => all.reduce((total, run) => total + of(run), 0);
  const takeOvers = all.flatMap(({ findings }) => findings.takeOverMs).sort((a, b) => a - b);
  const [said, ran, answered] = [
    ...[sum(({ findings }) => findings.said), sum(({ findings }) => findings.ranOnce)],
    sum(({ findings }) => findings.answered),
  ];
  const broken = sum(({ findings }) => findings.wrong.length);
  return [
    ...[`## ${name}: ${all.length} runs of ${commands} commands, seed ${seed}`, ''],
    '| run | faults | ran once | answered once | out of order | own 429 (ordered) | take-over, s | s |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
    '',
    `${said} commands: ${ran} ran once, ${answered} answered once, ${sum(({ findings }) => findings.outOfOrder)} answers out of order; ${broken} broken promises`,
    `${sum(({ findings }) => findings.ownRefusals)} refusals because of too much that were not ordered, ${sum(({ findings }) => findings.orderedRefusals)} that were`,
    `${takeOvers.length} kills of the one that led; to the next answer: p50 ${seconds(quantile(takeOvers, 0.5))} s, largest ${seconds(takeOvers.at(-1) ?? 0)} s`,
    '',
  ].join('\n');
}

const ground = await startGround();
try {
  for (const name of names) {
    const all: ChatRun[] = [];
    for (let n = 0; n < runs; n += 1) {
      const platform = await starts[name]();
      try {
        all.push(await runOne(ground, platform, n));
      } finally {
        await platform.stop();
      }
    }
    process.stdout.write(`${report(name, all)}\n`);
    if (all.some(({ findings }) => findings.wrong.length > 0)) process.exitCode = 1;
  }
} finally {
  await ground.stop();
}
