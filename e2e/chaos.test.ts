import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Installation, startDistributed, startEmbedded, type TaskView } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTargets, type TestTargets } from './targets.ts';

const load = 500;
const finalStates = ['succeeded', 'failed', 'timed-out', 'cancelled', 'unknown', 'undeliverable', 'expired'];

const directory = mkdtempSync(join(tmpdir(), 'moltbot-chaos-'));
let targets: TestTargets;
beforeAll(async () => {
  targets = await startTargets(directory);
});
afterAll(async () => {
  await targets.stop();
  rmSync(directory, { recursive: true, force: true });
});

const config = (): Record<string, unknown> => ({
  ...targets.config,
  executor: { slots: 8 },
  limits: { requests: { perSecond: 5_000, burst: 5_000 } },
});

/** A file on the hosts to which every command adds its number. */
function journal(name: string): { readonly path: string; lines(): string[] } {
  const path = join(directory, name);
  writeFileSync(path, '');
  chmodSync(directory, 0o755);
  chmodSync(path, 0o666);
  return { path, lines: () => readFileSync(path, 'utf8').split('\n').filter(Boolean) };
}

/**
 * Posts the load while `hurt` happens, then waits until every accepted task has ended.
 * A post that was refused or cut off is no promise; one that was answered 202 is.
 */
async function underLoad(moltbot: Installation, name: string, hurt: () => Promise<void>) {
  const file = journal(name);
  const accepted: { readonly id: string; readonly n: number }[] = [];
  const post = async (n: number): Promise<void> => {
    const args = { command: `echo ${n} >> ${file.path}; sleep 0.02` };
    const posted = await moltbot.api
      .post('/v1/tasks', { action: 'shell.run', args, on: `web-${(n % 3) + 1}` })
      .catch(() => undefined);
    if (posted?.status === 202) accepted.push({ id: posted.body.id, n });
  };
  const posting = (async () => {
    for (let n = 0; n < load; n += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => post(n + k)));
  })();
  await eventually('the load is half done', () => accepted.length > load / 4, { everyMs: 5 });
  await hurt();
  await posting;
  const states = new Map<string, string>();
  await eventually(
    'every accepted task has ended',
    async () => {
      for (const { id } of accepted.filter((task) => !finalStates.includes(states.get(task.id) ?? ''))) {
        const { body } = await moltbot.api.get<TaskView>(`/v1/tasks/${id}`);
        states.set(id, body.state);
      }
      return [...states.values()].every((state) => finalStates.includes(state));
    },
    { withinMs: 90_000, everyMs: 250 },
  );
  return { accepted, states, lines: file.lines() };
}

function expectHonest({ accepted, states, lines }: Awaited<ReturnType<typeof underLoad>>): void {
  expect(accepted.length).toBeGreaterThan(load / 4);
  const times = new Map<string, number>();
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
  expect(
    [...times].filter(([, count]) => count > 1),
    'no command ran twice',
  ).toEqual([]);
  const counts: Record<string, number> = {};
  for (const { id, n } of accepted) {
    const state = states.get(id) ?? 'absent';
    counts[state] = (counts[state] ?? 0) + 1;
    if (state === 'succeeded') expect(times.get(String(n)), `task ${n} says it succeeded`).toBe(1);
  }
  // Nobody notices that somebody died.
  expect(Object.keys(counts)).toEqual(['succeeded']);
}

describe('kill -9 in the middle of 500 tasks, distributed', () => {
  let moltbot: Installation;
  beforeAll(async () => {
    // As docker-compose.yml has it: with everysec a Redis that is killed can lose a write that it answered.
    moltbot = await startDistributed({ config: config(), redisArgs: ['--appendfsync', 'always'] });
    // RabbitMQ 3.10 that is killed right after its queues were declared comes back without them and what was in them.
    await moltbot.api.shell('sleep 2', 'local');
  });
  afterAll(() => moltbot.stop());

  test('of the gateway', async () => {
    expectHonest(await underLoad(moltbot, 'gateway', () => moltbot.restartGateway()));
  });

  test('of an executor', async () => {
    expectHonest(await underLoad(moltbot, 'executor', () => moltbot.restartExecutor(0)));
  });

  test('of Redis', async () => {
    expectHonest(
      await underLoad(moltbot, 'redis', async () => {
        await moltbot.redis?.kill();
        await moltbot.redis?.restart();
      }),
    );
  });

  test('of RabbitMQ', async () => {
    expectHonest(
      await underLoad(moltbot, 'rabbitmq', async () => {
        await moltbot.rabbitmq?.kill();
        await moltbot.rabbitmq?.restart();
      }),
    );
  });
});

describe('kill -9 in the middle of 500 tasks, embedded', () => {
  let moltbot: Installation;
  beforeAll(async () => {
    moltbot = await startEmbedded({ config: config() });
  });
  afterAll(() => moltbot.stop());

  test('of the one process: what was accepted is finished after the restart', async () => {
    expectHonest(await underLoad(moltbot, 'embedded', () => moltbot.restartGateway()));
  });
});
