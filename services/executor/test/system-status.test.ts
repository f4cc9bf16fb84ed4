import { readFile } from 'node:fs/promises';
import { hostname, totalmem } from 'node:os';
import { loadPlugins } from '@moltbot/plugin-host';
import { eventually, startSshd, type TestSshd } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leaseMs } from './support/guarded-runs.ts';
import { openLab } from './support/lab.ts';
import { createBench, type SshBench } from './transports/ssh-support.ts';

const plugins = () => loadPlugins(['@moltbot/plugin-system'], () => import('@moltbot/plugin-system'));

interface Told {
  readonly host: { readonly name: string };
  readonly memory: { readonly totalBytes: number };
  readonly cpu: { readonly count: number; readonly sampleSeconds: number };
  readonly processes: { readonly byMemory: readonly object[] };
  readonly warnings: readonly string[];
}

describe.each([
  ['molttest', '/bin/sh'],
  ['moltbash', '/bin/bash'],
  ['moltksh', '/usr/bin/ksh93'],
  ['moltmksh', '/usr/bin/mksh'],
  ['moltyash', '/usr/bin/yash'],
  ['moltzsh', '/usr/bin/zsh'],
])('the status of a host over SSH, where %s logs in to %s', (user, shell) => {
  let sshd: TestSshd;
  let bench: SshBench;
  beforeAll(async () => {
    sshd = await startSshd({ user, shell });
    bench = await createBench(sshd);
  });
  afterAll(async () => {
    await bench.stop();
    await sshd.stop();
  });

  test.each(['readonly', 'guarded'] as const)('is data and a page of text, as a %s run', async (runClass) => {
    const lab = await openLab();
    await lab.worker({ plugins: await plugins(), transports: [bench.transport] });
    const { target } = bench;
    const order = await lab.accept({ action: 'system.status', args: { top: 3 }, class: runClass, target });
    const record = await lab.until(order);
    expect(record).toMatchObject({ state: 'succeeded', exitCode: 0, attempts: 1, stderrBytes: 0 });
    const told = record.data as unknown as Told;
    expect(told).toMatchObject({ host: { name: hostname() }, memory: { totalBytes: totalmem() } });
    expect([told.cpu.sampleSeconds, told.processes.byMemory.length, told.warnings]).toEqual([1, 3, []]);
    const cpus = (await readFile('/proc/stat', 'utf8')).match(/^cpu\d/gm);
    expect(told.cpu.count).toBe(cpus?.length);
    const text = await lab.stdout(order);
    expect(text.split('\n')[0]).toMatch(new RegExp(`^${hostname()}  `));
    expect(text).toContain('mounted on');
    expect(Buffer.byteLength(text)).toBe(record.stdoutBytes);
  });
});

test('a look whose worker died in the middle is finished by the next, and told once', async () => {
  const sshd = await startSshd();
  const [one, two] = [await createBench(sshd), await createBench(sshd)];
  try {
    const lab = await openLab();
    const dying = await lab.worker({ plugins: await plugins(), transports: [one.transport], leaseMs });
    const args = { sample: 3 };
    const order = await lab.accept({ action: 'system.status', args, class: 'guarded', target: one.target });
    await lab.until(order, 'running');
    await eventually('its record on the host', async () => {
      const { stdout } = await two.exec(`ls ${one.guard.directory}/run`);
      return stdout.toString().includes(order.runId);
    });
    await dying.die();
    lab.clock.advance(leaseMs + 1);
    await lab.worker({ plugins: await plugins(), transports: [one.transport], worker: 'second' });
    const record = await lab.until(order);
    expect(record).toMatchObject({ state: 'succeeded', attempts: 1, worker: 'second' });
    const told = record.data as unknown as Told;
    expect(told).toMatchObject({ host: { name: hostname() }, cpu: { sampleSeconds: 3 }, warnings: [] });
    expect((await lab.stdout(order)).match(/mounted on/g)).toHaveLength(1);
  } finally {
    await one.stop();
    await two.stop();
    await sshd.stop();
  }
});
