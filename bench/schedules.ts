import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { planKey } from '@moltbot/schedules';
import { ScheduleSpec, Secret, silentLogger } from '@moltbot/shared';
import { createRedisStore, type Store } from '@moltbot/store';
import { eventually, type Installation, residentMib, startDistributed } from '@moltbot/testkit';
import { median } from './measure.ts';

const { values: flags } = parseArgs({
  options: { schedules: { type: 'string', default: '100000' }, seconds: { type: 'string', default: '30' } },
});
const [schedules, seconds] = [Number(flags.schedules), Number(flags.seconds)];
/** Those among all that are due each second. */
const busy = 100;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const spec = (when: string): ScheduleSpec =>
  ScheduleSpec.parse({ when, overlap: 'allow', task: { action: 'noop.run', on: 'local' } });

async function fill(store: Store): Promise<void> {
  // As many as the store takes within the time it has for an answer.
  const atOnce = 100;
  for (let from = 0; from < schedules; from += atOnce) {
    const ids = Array.from({ length: Math.min(atOnce, schedules - from) }, (_, n) => `s${from + n}`);
    const put = (id: string, n: number): Promise<unknown> => {
      // All others somewhere in the day, as the schedules of a fleet are.
      const one = spec(from + n < busy ? 'every 1s' : 'H H * * *');
      return store.putSchedule({ tenant: 'default', id, spec: one, source: 'api', by: 'bench', plan: planKey(one) });
    };
    await Promise.all(ids.map(put));
  }
}

/** CPU that a process has used, ms: utime and stime in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function lagsOf(moltbot: Installation, since: number, until: number): Promise<readonly number[]> {
  const lags: number[] = [];
  for (let n = 0; n < busy; n += 1) {
    const query = `limit=200&state=fired&since=${new Date(since).toISOString()}&until=${new Date(until).toISOString()}`;
    const { body } = await moltbot.api.get<{ occurrences: { due: string; firedAt: string }[] }>(
      `/v1/schedules/s${n}/occurrences?${query}`,
    );
    lags.push(...body.occurrences.map(({ due, firedAt }) => Date.parse(firedAt) - Date.parse(due)));
  }
  return lags.sort((a, b) => a - b);
}

/** What a timer of this process does in the same time, and nothing more: the limit. */
async function bareTimers(until: number): Promise<{ readonly lags: readonly number[]; readonly cpuMsPerFire: number }> {
  const lags: number[] = [];
  const before = process.cpuUsage();
  await new Promise<void>((resolve) => {
    const arm = (at: number): void => {
      if (at > until) return void (lags.length >= busy && resolve());
      setTimeout(() => {
        lags.push(Date.now() - at);
        arm(at + 1_000);
      }, at - Date.now());
    };
    for (let n = 0; n < busy; n += 1) arm(Math.ceil(Date.now() / 1_000) * 1_000);
  });
  const { user, system } = process.cpuUsage(before);
  return { lags: lags.sort((a, b) => a - b), cpuMsPerFire: (user + system) / 1_000 / lags.length };
}

const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? 0;

async function main(): Promise<void> {
  const moltbot = await startDistributed({
    ...{ executors: 1, schedulers: 1 },
    config: {
      targets: [{ name: 'local', transport: 'local' }],
      plugins: ['@moltbot/plugin-shell', join(import.meta.dirname, 'noop-plugin.ts')],
      limits: { requests: { perSecond: 100_000, burst: 100_000 } },
      executor: { slots: 64 },
    },
  });
  const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };
  const store = createRedisStore({ url: new Secret(moltbot.redis?.url ?? ''), retention, log: silentLogger });
  try {
    await store.start();
    const resident = (): number => residentMib(moltbot.schedulers()[0]?.pid ?? 0);
    const empty = resident();
    say(`filling the store with ${schedules} schedules`);
    await fill(store);
    const restarted = performance.now();
    await moltbot.restartScheduler(0);
    const log = join(moltbot.directory, 'scheduler-0.log');
    const loaded = (): boolean => readFileSync(log, 'utf8').includes(`"schedules":${schedules},`);
    await eventually('all are loaded', loaded, { withinMs: 120_000, everyMs: 50 });
    const loadSeconds = (performance.now() - restarted) / 1_000;
    await eventually('the first fire', async () => (await lagsOf(moltbot, 0, Date.now())).length > busy, {
      withinMs: 60_000,
      everyMs: 1_000,
    });
    // What came in between is fired late: the next seconds are as all others.
    const since = Math.ceil(Date.now() / 1_000) * 1_000 + 5_000;
    const until = since + seconds * 1_000;
    await eventually('the time has come', () => Date.now() >= since, { withinMs: 10_000, everyMs: 5 });
    const pid = moltbot.schedulers()[0]?.pid ?? 0;
    const cpuBefore = cpuMs(pid);
    const bare = await bareTimers(until);
    const cpu = cpuMs(pid) - cpuBefore;
    const lags = await lagsOf(moltbot, since, until);
    const full = resident();
    const perFire = cpu / lags.length;
    const [model] = cpus();
    process.stdout.write(`${cpus().length} × ${model?.model.trim()}, Node ${process.version}; ${schedules} schedules, ${busy} of them each second, ${seconds} s

| what | Moltbot | its limit | ratio |
|---|---|---|---|
| memory of a scheduler: with all of them, with none | ${full.toFixed(0)} MiB | ${empty.toFixed(0)} MiB | ${(((full - empty) * 1_024) / schedules).toFixed(2)} KiB each |
| from the start of a scheduler that waits for a dead one to all of them loaded | ${loadSeconds.toFixed(1)} s | – | – |
| lag from due to accepted, p50 ÷ a bare setTimeout | ${median(lags).toFixed(0)} ms | ${median(bare.lags).toFixed(0)} ms | +${(median(lags) - median(bare.lags)).toFixed(0)} ms |
| the same, p99 | ${p99(lags).toFixed(0)} ms | ${p99(bare.lags).toFixed(0)} ms | +${(p99(lags) - p99(bare.lags)).toFixed(0)} ms |
| CPU of the scheduler for each fire ÷ a bare setTimeout | ${perFire.toFixed(2)} ms | ${bare.cpuMsPerFire.toFixed(3)} ms | ${(perFire / bare.cpuMsPerFire).toFixed(0)} × |
`);
    if (lags.length < busy * seconds) process.exitCode = 1;
  } finally {
    await store.stop();
    await moltbot.stop();
  }
}

await main();
