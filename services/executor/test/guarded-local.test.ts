import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Transport } from '@moltbot/plugin-sdk';
import { newId, type RunOrder, silentLogger } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLocalTransport } from '../src/index.ts';
import { type Lab, openLab } from './support/lab.ts';
import { isAlive } from './transports/support.ts';

const leaseMs = 10_000;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moltbot-guarded-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** This host, as each worker reaches it for itself. */
const host = (): Transport =>
  createLocalTransport({
    ...{ log: silentLogger, killGraceMs: 200 },
    guard: { directory: join(directory, 'guard'), retentionMs: 3_600_000 },
  });

/** A command that notes each of its executions, prints, and prints again once it is told to go on. */
async function accept(lab: Lab) {
  const file = join(directory, newId());
  const command = `echo $$ >> ${file}.starts; echo one; while [ ! -e ${file}.go ]; do sleep 0.05; done; echo two; exit 7`;
  const order = await lab.accept({ command, class: 'guarded' });
  await eventually('its first output', async () => (await lab.stdout(order)) === 'one\n');
  return {
    order,
    goOn: () => writeFile(`${file}.go`, ''),
    starts: async () => (await readFile(`${file}.starts`, 'utf8')).trim().split('\n').map(Number),
  };
}

const expectWhole = async (lab: Lab, order: RunOrder): Promise<void> => {
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'failed', exitCode: 7, attempts: 1 });
  expect(await lab.stdout(order)).toBe('one\ntwo\n');
  await lab.settled();
};

test('a real command whose worker stops goes on, and the next worker brings it to its end', async () => {
  const lab = await openLab();
  const { executor } = await lab.worker({ transports: [host()] });
  const { order, goOn, starts } = await accept(lab);
  await executor.quiesce(AbortSignal.abort());
  await executor.stop();
  expect(await lab.run(order)).toMatchObject({ state: 'running' });
  await lab.worker({ transports: [host()] });
  await goOn();
  await expectWhole(lab, order);
  expect(await starts()).toHaveLength(1);
});

test('a real command whose worker died is attached to by the next', async () => {
  const lab = await openLab();
  const dying = await lab.worker({ transports: [host()], leaseMs });
  const { order, goOn, starts } = await accept(lab);
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host()] });
  await eventually('the take-over', async () => (await lab.run(order)).state === 'running');
  await goOn();
  await expectWhole(lab, order);
  expect(await starts()).toHaveLength(1);
});

test('twelve workers race for one run: it is executed once, and all twelve come to the right answer', async () => {
  const lab = await openLab();
  const workers = await Promise.all(Array.from({ length: 12 }, () => lab.worker({ transports: [host()], leaseMs })));
  const { order, goOn, starts } = await accept(lab);
  // All of them have a copy in hand, and whoever held it is fenced off each time: all attach to the one command in the end.
  for (const { link } of workers) {
    await lab.publish(order);
    lab.clock.advance(leaseMs + 1);
    await eventually('its copy', async () => {
      const isThere = link.handedOut() > 0;
      // The turn may have passed it by.
      if (!isThere) await lab.publish(order);
      return isThere;
    });
  }
  await goOn();
  await expectWhole(lab, order);
  expect(await starts()).toHaveLength(1);
  expect(workers.map(({ link }) => link.inHand())).toEqual(workers.map(() => 0));
});

test('a real command that was cancelled while nobody held it is dead when its run is cancelled', async () => {
  const lab = await openLab();
  const dying = await lab.worker({ transports: [host()], leaseMs });
  const { order, starts } = await accept(lab);
  const [pid] = await starts();
  await dying.die();
  await lab.store.requestCancel('acme', order.task.id);
  lab.clock.advance(leaseMs + 1);
  await lab.worker({ transports: [host()] });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'cancelled' });
  expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
  await lab.settled();
});

test('what another host may have run is not run again here: its end is unknown', async () => {
  const lab = await openLab();
  const elsewhere = createLocalTransport({
    ...{ log: silentLogger, killGraceMs: 200 },
    guard: { directory: join(directory, 'elsewhere'), retentionMs: 3_600_000 },
  });
  const dying = await lab.worker({ transports: [elsewhere], leaseMs });
  const { order, goOn, starts } = await accept(lab);
  await dying.die();
  lab.clock.advance(leaseMs);
  await lab.worker({ transports: [host()], isAlone: false });
  await expect(lab.until(order)).resolves.toMatchObject({ state: 'unknown', error: { code: 'MOLT_RUN_LOST' } });
  const [pid, ...more] = await starts();
  expect(more).toEqual([]);
  await goOn();
  await eventually('its end', () => !isAlive(pid ?? 0));
});
