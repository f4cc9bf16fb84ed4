import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Installation, startDistributed } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const schedules = 6;
const journal = join(mkdtempSync(join(tmpdir(), 'moltbot-schedules-')), 'journal');
let moltbot: Installation;

beforeAll(async () => {
  writeFileSync(journal, '');
  moltbot = await startDistributed({
    executors: 1,
    schedulers: 3,
    redisArgs: ['--appendfsync', 'always'],
    config: {
      targets: [{ name: 'local', transport: 'local' }],
      limits: { requests: { perSecond: 1_000, burst: 1_000 } },
      schedules: Array.from({ length: schedules }, (_, n) => ({
        ...{ id: `tick-${n}`, when: 'every 1s', overlap: 'allow', misfire: 'run-all' },
        task: { action: 'shell.run', args: { command: `echo ${n} >> ${journal}` }, on: 'local' },
      })),
    },
  });
}, 120_000);
afterAll(() => moltbot?.stop());

interface Seen {
  readonly instant: string;
  readonly state: string;
  readonly task?: string;
  readonly outcome?: string;
}

async function occurrences(id: string, query: string): Promise<readonly Seen[]> {
  const answer = await moltbot.api.get<{ occurrences: Seen[] }>(`/v1/schedules/${id}/occurrences?limit=200${query}`);
  return answer.body.occurrences;
}

const newest = async (): Promise<number> => Date.parse((await occurrences('tick-0', ''))[0]?.instant ?? '1970-01-01');

test('each instant has one record and one run, whichever scheduler is killed or frozen', async () => {
  await eventually('schedules fire', async () => (await newest()) > 0, { withinMs: 60_000 });
  const from = await newest();
  for (const index of [0, 1, 2]) await moltbot.restartScheduler(index);
  const frozen = moltbot.schedulers()[0];
  await frozen?.kill('SIGSTOP');
  const frozenAt = Date.now();
  await eventually('another leads', async () => (await newest()) > frozenAt + 1_000, { withinMs: 30_000 });
  await frozen?.kill('SIGCONT');
  const thawedAt = Date.now();
  await eventually('they go on', async () => (await newest()) > thawedAt + 2_000, { withinMs: 30_000 });
  const to = await newest();
  const expected = Array.from({ length: (to - from) / 1_000 - 1 }, (_, n) =>
    new Date(to - (n + 1) * 1_000).toISOString(),
  );
  const all: Seen[] = [];
  for (let n = 0; n < schedules; n += 1) {
    const query = `&since=${new Date(from + 1_000).toISOString()}&until=${new Date(to).toISOString()}`;
    const seen = await eventually(
      `the ends of tick-${n}`,
      async () => {
        const found = await occurrences(`tick-${n}`, query);
        const areAllThere = found.length >= Math.min(200, expected.length);
        return areAllThere && found.every(({ outcome }) => outcome === 'succeeded') ? found : undefined;
      },
      { withinMs: 60_000 },
    );
    expect(seen.map(({ instant }) => instant)).toEqual(expected.slice(0, 200));
    expect(new Set(seen.map(({ task }) => task)).size).toBe(seen.length);
    all.push(...seen);
  }
  expect(all.every(({ state }) => state === 'fired')).toBe(true);
  const ran = readFileSync(journal, 'utf8').trim().split('\n').length;
  const rows = await Promise.all(Array.from({ length: schedules }, (_, n) => occurrences(`tick-${n}`, '&state=fired')));
  // The clock goes on between the two counts: nothing ran that has no record.
  expect(ran).toBeLessThanOrEqual(rows.flat().length + schedules * 3);
  expect(ran).toBeGreaterThanOrEqual(all.length);
}, 180_000);
