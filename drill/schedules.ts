import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, type Installation, startDistributed } from '@moltbot/testkit';
import { countOf, flagsOf } from './flags.ts';
import { createRandom } from './random.ts';

const flags = flagsOf({
  schedules: { type: 'string', default: '300' },
  minutes: { type: 'string', default: '5' },
  kills: { type: 'string', default: '10' },
  freezes: { type: 'string', default: '2' },
  seed: { type: 'string', default: '1' },
});
const schedules = countOf('schedules', flags.schedules);
const minutes = countOf('minutes', flags.minutes);
const kills = countOf('kills', flags.kills);
const freezes = countOf('freezes', flags.freezes);
const seed = countOf('seed', flags.seed);
const frozenMs = 15_000;
/** What is fired so long after a fault is of its take-over. */
const takeOverMs = 12_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Seen {
  readonly instant: string;
  readonly state: string;
  readonly task?: string;
  readonly due: string;
  readonly firedAt?: string;
  readonly outcome?: string;
}

/** The instance whose term is the latest, by what they say of it. */
function leaderOf(moltbot: Installation): number {
  const epochs = moltbot.schedulers().map((_, index) => {
    const log = readFileSync(join(moltbot.directory, `scheduler-${index}.log`), 'utf8');
    return Math.max(0, ...[...log.matchAll(/"epoch":(\d+),"msg":"leads"/g)].map(([, epoch]) => Number(epoch)));
  });
  const latest = Math.max(...epochs);
  if (latest === 0) throw new Error('nobody leads');
  return epochs.indexOf(latest);
}

/** Kills and freezes whoever leads, at random moments of the given time. Resolves to the moments, epoch ms. */
async function hurtLeaders(moltbot: Installation, begin: number): Promise<readonly number[]> {
  const random = createRandom(seed);
  const faults = kills + freezes;
  const frozenOnes = new Set<number>();
  while (frozenOnes.size < freezes) frozenOnes.add(random.between(0, faults - 1));
  const share = (minutes * 60_000) / (faults + 1);
  const moments: number[] = [];
  for (let n = 0; n < faults; n += 1) {
    const at = begin + share * (n + 0.5) + random.between(0, share * 0.4);
    await delay(Math.max(0, at - Date.now()));
    const leader = leaderOf(moltbot);
    moments.push(Date.now());
    say(
      `${((Date.now() - begin) / 1_000).toFixed(0).padStart(5)} s  ${frozenOnes.has(n) ? 'freeze' : 'kill -9'} scheduler ${leader}`,
    );
    if (frozenOnes.has(n)) {
      const server = moltbot.schedulers()[leader];
      await server?.kill('SIGSTOP');
      await delay(frozenMs);
      await server?.kill('SIGCONT');
    } else await moltbot.restartScheduler(leader);
  }
  return moments;
}

async function historyOf(moltbot: Installation, id: string): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: '200', ...(cursor === undefined ? {} : { cursor }) });
    const answer = await moltbot.api.get<{ occurrences: Seen[]; cursor?: string }>(
      `/v1/schedules/${id}/occurrences?${query}`,
    );
    seen.push(...answer.body.occurrences);
    ({ cursor } = answer.body);
  } while (cursor !== undefined);
  return seen;
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;

interface Evidence {
  /** Of each schedule, all of it. */
  readonly histories: readonly (readonly Seen[])[];
  /** Of each schedule, how often it ran. */
  readonly marks: readonly number[];
  readonly faults: readonly number[];
  /** The time that is judged, epoch ms. */
  readonly begin: number;
  readonly end: number;
}

type Row = readonly [promise: string, kept: boolean, found: string];

function judge({ histories, marks, faults, begin, end }: Evidence): readonly Row[] {
  const isInside = ({ instant }: Seen): boolean => Date.parse(instant) >= begin && Date.parse(instant) < end;
  const judged = histories.map((seen) => seen.filter(isInside));
  const all = judged.flat();
  const different = judged.map((seen) => new Set(seen.map(({ instant }) => instant)).size);
  const silent = sum(different.map((count) => (end - begin) / 1_000 - count));
  const states = [...Map.groupBy(all, ({ state }) => state)]
    .map(([state, seen]) => `${seen.length} ${state}`)
    .join(', ');
  const fired = histories.map((seen) => seen.filter(({ state }) => state === 'fired'));
  const firedInAll = sum(fired.map(({ length }) => length));
  const shared = firedInAll - new Set(fired.flat().map(({ task }) => task)).size;
  const unequal = fired.filter(({ length }, n) => length !== marks[n]).length;
  return [
    [
      'each planned instant has one record',
      silent === 0 && all.length === sum(different),
      `${all.length} records (${states}), ${silent} instants without one, ${all.length - sum(different)} twice`,
    ],
    [
      'what was fired ran, once',
      shared === 0 && unequal === 0,
      `${firedInAll} fired in all, ${sum(marks)} ran, ${shared} share a task, ${unequal} schedules differ`,
    ],
    ...lagRows(all, faults),
  ];
}

/** From the time an occurrence was due to the acceptance of its task. */
function lagRows(seen: readonly Seen[], faults: readonly number[]): readonly Row[] {
  const lags = seen.flatMap(({ due, firedAt }) =>
    firedAt === undefined ? [] : [{ at: Date.parse(due), lag: Date.parse(firedAt) - Date.parse(due) }],
  );
  const isOfTakeOver = (at: number): boolean => faults.some((fault) => at > fault - 1_000 && at < fault + takeOverMs);
  const sorted = (ofTakeOver: boolean): readonly number[] =>
    lags
      .filter(({ at }) => isOfTakeOver(at) === ofTakeOver)
      .map(({ lag }) => lag)
      .sort((a, b) => a - b);
  const [calm, rough] = [sorted(false), sorted(true)];
  const text = (of: readonly number[]): string =>
    `p50 ${quantile(of, 0.5)} ms, p99 ${quantile(of, 0.99)} ms, largest ${of.at(-1) ?? 0} ms`;
  return [
    ['start lag p99 ≤ 1 s', quantile(calm, 0.99) <= 1_000, text(calm)],
    ['≤ 10 s across a take-over', (rough.at(-1) ?? 0) <= 10_000, text(rough)],
  ];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Of each schedule, once nothing of it is on its way any more. */
async function historiesOf(moltbot: Installation): Promise<readonly (readonly Seen[])[]> {
  const histories: (readonly Seen[])[] = [];
  for (let n = 0; n < schedules; n += 1) {
    const ended = async (): Promise<readonly Seen[] | undefined> => {
      const seen = await historyOf(moltbot, `s${n}`);
      const open = seen.find(({ state, outcome }) => (state === 'fired' ? !outcome : /ing$/.test(state)));
      if (open) throw new Error(`not at its end: ${JSON.stringify(open)}`);
      return seen;
    };
    histories.push(await eventually(`the ends of s${n}`, ended, { withinMs: 120_000, everyMs: 1_000 }));
  }
  return histories;
}

async function drill(): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-drill-'));
  const file = join(directory, 'marks');
  writeFileSync(file, '');
  const moltbot = await startDistributed({
    ...{ executors: 1, schedulers: 3, redisArgs: ['--appendfsync', 'everysec'] },
    config: {
      plugins: ['@moltbot/plugin-shell', join(import.meta.dirname, 'mark-plugin.ts')],
      targets: [{ name: 'local', transport: 'local' }],
      limits: { requests: { perSecond: 5_000, burst: 5_000 } },
      executor: { slots: 64 },
      log: { level: 'info' },
      schedules: Array.from({ length: schedules }, (_, n) => ({
        ...{ id: `s${n}`, when: 'every 1s', overlap: 'allow', misfire: 'run-all' },
        task: { action: 'mark.run', args: { file, line: `s${n}` }, on: 'local' },
      })),
    },
  });
  try {
    const last = async (n: number): Promise<number> => {
      const { body } = await moltbot.api.get<{ occurrences?: Seen[] }>(`/v1/schedules/s${n}/occurrences?limit=1`);
      return Date.parse(body.occurrences?.[0]?.instant ?? '1970-01-01');
    };
    await eventually('every schedule fires', async () => (await last(schedules - 1)) > 0, { withinMs: 120_000 });
    const begin = Math.ceil(Date.now() / 1_000) * 1_000 + 2_000;
    const end = begin + minutes * 60_000;
    const faults = await hurtLeaders(moltbot, begin);
    await delay(Math.max(0, end - Date.now()));
    await eventually('the end is decided', async () => (await last(schedules - 1)) > end, { withinMs: 60_000 });
    for (let n = 0; n < schedules; n += 1) await moltbot.api.post(`/v1/schedules/s${n}/pause`, {});
    const histories = await historiesOf(moltbot);
    const lines = Map.groupBy(readFileSync(file, 'utf8').split('\n'), (line) => line);
    const marks = histories.map((_, n) => lines.get(`s${n}`)?.length ?? 0);
    const rows = judge({ histories, marks, faults, begin, end });
    const table = rows.map(([promise, kept, found]) => `| ${promise} | ${kept ? 'yes' : '**no**'} | ${found} |`);
    const head = `seed ${seed}: ${schedules} schedules each second for ${minutes} minutes, three schedulers; leader killed ${kills} times, frozen ${freezes} times`;
    process.stdout.write(
      `${[head, '', '| promise | kept | what was found |', '|---|---|---|', ...table].join('\n')}\n`,
    );
    return rows.every(([, kept]) => kept);
  } finally {
    await moltbot.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = (await drill()) ? 0 : 1;
