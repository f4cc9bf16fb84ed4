import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Installation, residentMib, startDistributed, startSshd, type TestSshd } from '@moltbot/testkit';
import { createPoster, type Poster } from './http-load.ts';
import { measure, median, type Sample } from './measure.ts';
import { connectRawAmqp, connectRawSsh, type RawSsh } from './raw-limits.ts';

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, out: { type: 'string' } },
});
const rounds = Number(flags.rounds);

interface Row {
  readonly what: string;
  readonly ours: string;
  readonly limit: string;
  readonly ratio: string;
  readonly goal: string;
  readonly met: boolean;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const perSecond = (samples: readonly Sample[]): number => median(samples.map((sample) => sample.perSecond));
const p50 = (samples: readonly Sample[]): number => median(samples.map((sample) => sample.p50Ms));

/** Runs two measurements in turn, so that what else the machine does weighs on both. */
async function interleaved(
  label: string,
  ours: () => Promise<Sample>,
  limit: () => Promise<Sample>,
): Promise<{ readonly ours: readonly Sample[]; readonly limit: readonly Sample[] }> {
  const samples = { ours: [] as Sample[], limit: [] as Sample[] };
  for (let round = 0; round < rounds; round += 1) {
    samples.limit.push(await limit());
    samples.ours.push(await ours());
    const [mine, raw] = [samples.ours.at(-1), samples.limit.at(-1)];
    say(`  ${label} ${round + 1}/${rounds}: ${mine?.perSecond.toFixed(0)}/s beside ${raw?.perSecond.toFixed(0)}/s`);
  }
  return samples;
}

const signed = (value: number, digits = 0): string => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;

function rateRow(what: string, goal: number, { ours, limit }: Awaited<ReturnType<typeof interleaved>>): Row {
  const ratio = median(ours.map((sample, index) => sample.perSecond / (limit[index]?.perSecond ?? 1)));
  return {
    what,
    ours: `${perSecond(ours).toFixed(0)}/s, p50 ${p50(ours).toFixed(1)} ms`,
    limit: `${perSecond(limit).toFixed(0)}/s, p50 ${p50(limit).toFixed(1)} ms`,
    ratio: ratio.toFixed(2),
    goal: goal > 0 ? `≥ ${goal}` : '–',
    met: ratio >= goal,
  };
}

async function benchSsh(poster: Poster, raw: RawSsh, hosts: number): Promise<Row[]> {
  const task = { action: 'shell.run', args: { command: 'true' } };
  const inClass =
    (runClass: 'at-most-once' | 'guarded') =>
    (lane: number): Promise<void> =>
      poster.run({ ...task, on: `host-${lane % hosts}`, class: runClass });
  const [ours, guarded] = [inClass('at-most-once'), inClass('guarded')];
  const limit = (lane: number): Promise<number> => raw.exec(lane, 'true');
  // Code that is new to the engine is slow: all are measured warm.
  await measure({ count: 3_000, inFlight: 32 }, ours);
  await measure({ count: 1_000, inFlight: 32 }, guarded);
  await measure({ count: 1_000, inFlight: 32 }, limit);
  const busy = { count: 1_000, inFlight: 32 };
  const rate = await interleaved(
    'ssh, 32 in flight',
    () => measure(busy, ours),
    () => measure(busy, limit),
  );
  const single = { count: 150, inFlight: 1 };
  const alone = await interleaved(
    'ssh, 1 in flight',
    () => measure(single, ours),
    () => measure(single, limit),
  );
  const guardedRate = await interleaved(
    'guarded beside plain, 32 in flight',
    () => measure(busy, guarded),
    () => measure(busy, ours),
  );
  const guardedAlone = await interleaved(
    'guarded beside plain, 1 in flight',
    () => measure(single, guarded),
    () => measure(single, ours),
  );
  const slower = median(
    guardedAlone.ours.map((sample, index) => sample.p50Ms / (guardedAlone.limit[index]?.p50Ms ?? 1)),
  );
  const added = median(alone.ours.map((sample, index) => sample.p50Ms - (alone.limit[index]?.p50Ms ?? 0)));
  return [
    rateRow('plain tasks/s over warm SSH, 32 in flight ÷ raw ssh2 exec', 0.9, rate),
    {
      what: 'p50 of one plain task over warm SSH, 1 in flight − raw ssh2 exec',
      ours: `${p50(alone.ours).toFixed(1)} ms`,
      limit: `${p50(alone.limit).toFixed(1)} ms`,
      ratio: `${signed(added, 1)} ms`,
      goal: '≤ 3 ms',
      met: added <= 3,
    },
    rateRow('guarded tasks/s, 32 in flight ÷ plain tasks/s', 0.5, guardedRate),
    {
      what: 'p50 of one guarded task, 1 in flight ÷ of one plain task',
      ours: `${p50(guardedAlone.ours).toFixed(1)} ms`,
      limit: `${p50(guardedAlone.limit).toFixed(1)} ms`,
      ratio: slower.toFixed(2),
      goal: '≤ 2.5',
      met: slower <= 2.5,
    },
  ];
}

async function benchQueue(poster: Poster, amqpUrl: string): Promise<Row[]> {
  const raw = await connectRawAmqp(amqpUrl);
  const load = { count: 6_000, inFlight: 128 };
  const noopTask = { action: 'noop.run', on: 'local' };
  const run = (): Promise<Sample> => measure(load, () => poster.run(noopTask));
  for (let warmUp = 0; warmUp < 3; warmUp += 1) await run();
  const limit = async (): Promise<Sample> => {
    const sample = await measure(load, raw.publish);
    await raw.clear();
    return sample;
  };
  const noop = await interleaved('no-op, 128 in flight', run, limit);
  const accept = (): Promise<Sample> => measure(load, () => poster.accept(noopTask));
  const accepted = await interleaved('accepted, 128 in flight', accept, limit);
  await raw.close();
  const rate = perSecond(noop.ours);
  const row = rateRow('no-op tasks/s, post to result, 128 in flight ÷ raw amqplib confirm', 0, noop);
  return [
    { ...row, goal: '≥ 1 800/s', met: rate >= 1_800 },
    rateRow('tasks accepted/s (202), 128 in flight ÷ raw amqplib confirm', 0, accepted),
  ];
}

/** 10 000 tasks are queued while nothing takes them, then drained. */
async function benchBacklog(moltbot: Installation, poster: Poster): Promise<Row[]> {
  const [executor] = moltbot.executors();
  if (!executor) throw new Error('no executor');
  const count = 10_000;
  const resident = (): number => residentMib(moltbot.gateway().pid) + residentMib(executor.pid);
  await executor.kill('SIGSTOP');
  const before = resident();
  const queued = await measure({ count, inFlight: 64 }, () => poster.accept({ action: 'noop.run', on: 'local' }));
  await executor.kill('SIGCONT');
  const begin = performance.now();
  let peak = 0;
  for (let waiting = count; waiting > 0; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    peak = Math.max(peak, resident());
    const { body } = await moltbot.api.get<{ tasks: unknown[] }>('/v1/tasks?state=queued,running&limit=1');
    waiting = body.tasks.length;
  }
  const seconds = (performance.now() - begin) / 1_000;
  const grown = peak - before;
  return [
    {
      what: '10 000 no-op tasks queued, then drained: memory of gateway and executor together',
      ours: `${queued.perSecond.toFixed(0)}/s in, ${(count / seconds).toFixed(0)}/s out`,
      limit: '–',
      ratio: `${signed(grown)} MiB`,
      goal: '< 100 MiB',
      met: grown < 100,
    },
  ];
}

const outputBytes = 100_000_000;

/** One guarded command that prints 100 MB, and what the executor grew by. */
async function benchOutput(moltbot: Installation): Promise<Row> {
  const [executor] = moltbot.executors();
  if (!executor) throw new Error('no executor');
  const before = residentMib(executor.pid);
  let peak = before;
  const watching = setInterval(() => {
    peak = Math.max(peak, residentMib(executor.pid));
  }, 50);
  const begin = performance.now();
  const command = `head -c ${outputBytes} /dev/zero | tr '\\0' x`;
  const { id } = await moltbot.api.shell(command, 'host-0', { class: 'guarded' });
  const seconds = (performance.now() - begin) / 1_000;
  clearInterval(watching);
  const whole = await moltbot.api.raw(`/v1/tasks/${id}/output`);
  const hash = createHash('sha256');
  for await (const part of whole.body ?? []) hash.update(part);
  const expected = createHash('sha256').update(Buffer.alloc(outputBytes, 'x')).digest('hex');
  const isWhole = hash.digest('hex') === expected;
  const grown = peak - before;
  return {
    what: '100 MB of output of one guarded task: SHA-256, memory of the executor',
    ours: `${(outputBytes / 1e6 / seconds).toFixed(0)} MB/s, ${isWhole ? 'whole' : '**not whole**'}`,
    limit: '–',
    ratio: `${signed(grown)} MiB`,
    goal: 'whole, < 60 MiB',
    met: isWhole && grown < 60,
  };
}

const table = (rows: readonly Row[]): string =>
  [
    '| what | Moltbot | its limit | ratio | goal | met |',
    '|---|---|---|---|---|---|',
    ...rows.map(
      ({ what, ours, limit, ratio, goal, met }) =>
        `| ${what} | ${ours} | ${limit} | ${ratio} | ${goal} | ${met ? 'yes' : '**no**'} |`,
    ),
  ].join('\n');

function configFor(directory: string, sshds: readonly TestSshd[]): Record<string, unknown> {
  const knownHosts = join(directory, 'known_hosts');
  writeFileSync(knownHosts, sshds.map((sshd) => `${sshd.knownHostsLine}\n`).join(''));
  const identities = Object.fromEntries(sshds.map((sshd) => [`key-${sshd.port}`, { privateKey: sshd.privateKey }]));
  const hosts = sshds.map(({ host, port, user }, index) => ({
    ...{ name: `host-${index}`, transport: 'ssh', host, port, user, identity: `key-${port}` },
  }));
  return {
    ssh: { knownHosts, identities },
    targets: [{ name: 'local', transport: 'local' }, ...hosts],
    plugins: ['@moltbot/plugin-shell', join(import.meta.dirname, 'noop-plugin.ts')],
    limits: { requests: { perSecond: 1_000_000, burst: 1_000_000 } },
    executor: { slots: 128, outputCap: '128MiB' },
    log: { level: 'warn' },
  };
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-bench-'));
  say('starting RabbitMQ, Redis, four sshd, a gateway and an executor');
  // Their user logs in to bash, as on most hosts: what both sides run is a command of bash.
  // sshd counts a session that just closed for a moment longer: with the default of 10 the raw client, which retries nothing, would fail.
  const sshds = await Promise.all(
    Array.from({ length: 4 }, () => startSshd({ config: ['MaxSessions 64'], user: 'moltbash', shell: '/bin/bash' })),
  );
  const moltbot = await startDistributed({
    ...{ config: configFor(directory, sshds), executors: 1 },
    // What is only accepted piles up for as long as that is measured.
    brokerSettings: ['vm_memory_monitor:set_vm_memory_high_watermark({absolute, "2GB"})'],
  });
  const raw = await connectRawSsh(sshds);
  const poster = createPoster(moltbot.api.url, moltbot.api.key);
  try {
    const rows = [
      ...(await benchSsh(poster, raw, sshds.length)),
      await benchOutput(moltbot),
      ...(await benchQueue(poster, moltbot.rabbitmq?.url ?? '')),
      ...(await benchBacklog(moltbot, poster)),
    ];
    const [cpu] = cpus();
    const machine = `${cpus().length} × ${cpu?.model.trim()}, Node ${process.version}, all on one machine; medians of ${rounds} interleaved pairs`;
    process.stdout.write(`${machine}\n\n${table(rows)}\n`);
    if (flags.out) writeFileSync(flags.out, `${machine}\n\n${table(rows)}\n`);
    if (rows.some(({ met }) => !met)) process.exitCode = 1;
  } finally {
    raw.close();
    poster.close();
    await moltbot.stop();
    await Promise.all(sshds.map((sshd) => sshd.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
