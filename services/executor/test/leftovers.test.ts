import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MoltError, silentLogger } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalTransport } from '../src/index.ts';
import { createFakeTransport } from './support/fake-transport.ts';
import { type Lab, openLab } from './support/lab.ts';

const kept = { tenant: 'acme', kind: 'guard.targets' } as const;
const guarded = { class: 'guarded' } as const;
let directory: string;
let lab: Lab;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'molt-leftovers-'));
  lab = await openLab();
});
afterEach(() => rm(directory, { recursive: true }));

/** Rounds of 50 ms; on the target, where ages are counted in minutes, one minute. */
const guard = () => ({ directory, retentionMs: 200 });
const localTransport = () => createLocalTransport({ log: silentLogger, guard: guard() });
const files = (): Promise<string[]> => readdir(join(directory, 'run')).catch(() => []);
const known = async (): Promise<string[]> =>
  (await lab.store.listRecords(kept, { limit: 10 })).records.map(({ id }) => id);
const age = async (): Promise<void> => {
  const old = Date.now() / 1_000 - 3_600;
  for (const name of await files()) await utimes(join(directory, 'run', name), old, old);
};

test('a target that gets no more commands keeps no record past the retention', async () => {
  await lab.worker({ transports: [localTransport()], guard: guard() });
  const order = await lab.accept({ command: 'echo out', ...guarded });
  await lab.until(order, 'succeeded');
  expect(await files()).toContain(`${order.runId}.1.go`);
  await eventually('the note', async () => (await known()).length === 1);
  expect(await known()).toEqual([expect.stringMatching(/^here\.[0-9a-f]{16}$/)]);
  await age();
  await eventually('an empty directory', async () => (await files()).length === 0);
  await eventually('the target to be forgotten', async () => (await known()).length === 0);
});

test('another executor looks after it when the first is gone, and what runs keeps its record', async () => {
  const first = await lab.worker({ transports: [localTransport()], guard: { directory, retentionMs: 3_600_000 } });
  const ended = await lab.accept({ command: 'true', ...guarded });
  await lab.until(ended, 'succeeded');
  await eventually('the note', async () => (await known()).length === 1);
  const running = await lab.accept({ command: 'sleep 300', ...guarded });
  await lab.until(running, 'running');
  await eventually('the record', async () => (await files()).includes(`${running.runId}.1.go`));
  await first.executor.quiesce(AbortSignal.abort());
  await first.executor.stop();
  await age();
  lab.clock.advance(5_000_000);
  await lab.worker({ transports: [localTransport()], guard: guard(), clock: lab.clock });
  await eventually('a visit', async () => !(await files()).includes(`${ended.runId}.1.go`));
  expect(await files()).toContain(`${running.runId}.1.go`);
  await lab.store.requestCancel('acme', running.task.id);
  await lab.until(running, 'cancelled');
  await eventually('an empty directory', async () => {
    await age();
    return (await files()).length === 0;
  });
});

test('a target that keeps no record is never visited, and one that has come to run another shell is not asked again', async () => {
  const asked: string[] = [];
  let keepsRecords = false;
  const refusal = new MoltError('MOLT_NO_GUARD', 'a forced command answered');
  const host = createFakeTransport({
    onCommand(command) {
      if (!command.run.guard) asked.push(`${command.run.target.name} ${command.run.needsShell}`);
      if (command.run.guard && keepsRecords) command.connect();
      else command.refuse(refusal);
    },
    onLaunch: (_text, record) => record.end({ exitCode: 0 }),
  });
  await lab.worker({ transports: [host], guard: guard() });
  const on = (name: string) => ({ name, pool: 'default', transport: 'local', labels: {} }) as const;
  const forced = await lab.accept({ command: 'x', target: on('forced'), ...guarded });
  expect(await lab.until(forced)).toMatchObject({ state: 'failed', error: { code: 'MOLT_NO_GUARD' } });
  keepsRecords = true;
  await lab.until(await lab.accept({ command: 'y', target: on('changed'), ...guarded }), 'succeeded');
  await eventually('a note', async () => (await known()).join().includes('changed'));
  await eventually('the target to be forgotten', async () => (await known()).length === 0);
  expect(asked).toEqual(['changed true']);
});

test('a target that cannot be reached is tried again until it can be; those of other pools are not tried', async () => {
  const visits: string[] = [];
  let isReachable = false;
  const host = createFakeTransport({
    onCommand(command) {
      if (command.run.guard) return command.connect();
      visits.push(command.run.target.name);
      if (!isReachable) return command.refuse(new MoltError('MOLT_SSH_UNREACHABLE', 'no route'));
      command.connect();
      void command.print('clean\n').then(() => command.end({ exitCode: 0 }));
    },
    onLaunch: (_text, record) => record.end({ exitCode: 0 }),
  });
  const target = (name: string, pool: string) => ({ name, pool, transport: 'local', labels: {} }) as const;
  const workers = { transports: [host], guard: guard() };
  await lab.worker(workers);
  await lab.worker(workers);
  for (const one of [target('far', 'default'), target('alien', 'other')])
    await lab.until(await lab.accept({ command: one.name, target: one, ...guarded }), 'succeeded');
  await eventually('two visits', () => visits.length === 2);
  isReachable = true;
  await eventually('the target to be forgotten', async () => !(await known()).join().includes('far'));
  expect(new Set(visits)).toEqual(new Set(['far']));
});
