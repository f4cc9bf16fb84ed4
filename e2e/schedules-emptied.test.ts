import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Installation, startDistributed, startSshd, type TestSshd } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const schedules = 4;
const directory = mkdtempSync(join(tmpdir(), 'moltbot-emptied-'));
const journal = join(directory, 'journal');
const knownHosts = join(directory, 'known_hosts');
let moltbot: Installation;
let sshd: TestSshd;

beforeAll(async () => {
  writeFileSync(journal, '');
  chmodSync(directory, 0o711);
  chmodSync(journal, 0o666);
  sshd = await startSshd();
  writeFileSync(knownHosts, `${sshd.knownHostsLine}\n`);
  const { host, port, user, privateKey } = sshd;
  moltbot = await startDistributed({
    ...{ executors: 1, schedulers: 2 },
    config: {
      ssh: { knownHosts, identities: { key: { privateKey } } },
      // Whatever was delivered to somebody may have started: only its target knows, wherever the executor is.
      targets: [{ name: 'web-1', transport: 'ssh', identity: 'key', host, port, user }],
      limits: { requests: { perSecond: 1_000, burst: 1_000 } },
      schedules: Array.from({ length: schedules }, (_, n) => ({
        ...{ id: `tick-${n}`, when: 'every 1s', overlap: 'allow', misfire: 'run-all' },
        task: { action: 'shell.run', args: { command: `echo ${n} >> ${journal}` }, on: 'web-1' },
      })),
    },
  });
}, 120_000);
afterAll(() => Promise.all([moltbot?.stop(), sshd?.stop()]));

/** What the schedulers say that they have fired: `<schedule> <instant>`, and the task. */
function fired(): readonly (readonly [occurrence: string, task: string])[] {
  return [0, 1].flatMap((index) => {
    const log = readFileSync(join(moltbot.directory, `scheduler-${index}.log`), 'utf8');
    const lines = log.matchAll(
      /"task":"([^"]+)","tenant":"default","schedule":"([^"]+)","at":"([^"]+)","msg":"fired"/g,
    );
    return [...lines].map(([, task = '', schedule, at]) => [`${schedule} ${at}`, task] as const);
  });
}

const ran = (): readonly string[] => readFileSync(journal, 'utf8').split('\n').filter(Boolean);

const goesOn = async (): Promise<void> => {
  const before = fired().length;
  await eventually('schedules fire', () => fired().length > before + schedules * 3, { withinMs: 60_000 });
};

test('a store that comes back empty and a broker that restarts make no occurrence run twice', async () => {
  await goesOn();
  for (let round = 0; round < 2; round += 1) {
    await Promise.all([moltbot.redis?.restartEmpty(), moltbot.rabbitmq?.restart()]);
    await goesOn();
    await moltbot.redis?.restartEmpty();
    await goesOn();
  }
  // The key went with the store: what is left open ends by itself once nothing more is fired.
  await Promise.all(moltbot.schedulers().map((server) => server.kill('SIGTERM')));
  const stopped = Date.now();
  const pairs = [...new Set(fired().map((pair) => pair.join(' ')))].map((pair) => pair.split(' '));
  const byOccurrence = Map.groupBy(pairs, ([schedule, instant]) => `${schedule} ${instant}`);
  // Whichever instance fired it, and over whichever store: an occurrence has one task.
  expect([...byOccurrence.values()].filter(({ length }) => length > 1)).toEqual([]);
  await eventually('all has run', () => ran().length >= byOccurrence.size, { withinMs: 60_000 });
  let seen = -1;
  const isQuiet = (): boolean => {
    const before = seen;
    seen = ran().length;
    return before === seen;
  };
  await eventually('nothing more runs', isQuiet, { withinMs: 60_000, everyMs: 3_000 });
  for (let n = 0; n < schedules; n += 1) {
    const first = Math.min(...pairs.filter(([id]) => id === `tick-${n}`).map(([, at = '']) => Date.parse(at)));
    const instants = Math.floor((stopped - first) / 1_000) + 1;
    expect(ran().filter((line) => line === String(n)).length).toBeLessThanOrEqual(instants);
  }
}, 240_000);
