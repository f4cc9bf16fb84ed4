import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@moltbot/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { residentCommand } from '../../src/transports/shell/resident.ts';
import { createShellBench, pathWithout, type ShellBench } from './shell-support.ts';

// Programs stand in for those of systemd; what was seen under a real one stands in docs/guarantees.md.
const target = { transport: 'local', name: 'local', labels: {}, pool: 'default', guard: 'systemd' } as const;
let directory: string;
let bench: ShellBench;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'molt-systemd-'));
});
afterEach(async () => {
  await bench.stop();
  await rm(directory, { recursive: true });
});

const skipOptions = 'while :; do case $1 in --*) shift ;; *) break ;; esac; done';
const called = (): Promise<string> => readFile(join(directory, 'calls'), 'utf8').catch(() => '');

/** Programs that log how they were called, and do this. */
async function withPrograms(programs: Readonly<Record<string, string>>, PATH = '/usr/bin:/bin'): Promise<void> {
  for (const [name, text] of Object.entries(programs)) {
    const script = `#!/bin/sh\necho "\${0##*/} $*" >>${directory}/calls\n${text}\n`;
    await writeFile(join(directory, name), script, { mode: 0o755 });
  }
  const env = { PATH: `${directory}:${PATH}` };
  bench = await createShellBench({ command: residentCommand(target), env });
}

const scope = { 'systemd-run': `${skipOptions}; exec "$@"`, systemctl: '' };

test('the shell is started in a scope, and the command in one of its name', async () => {
  await withPrograms(scope);
  const control = new AbortController();
  const shell = await bench.open();
  expect(await called()).toMatch(
    /^systemd-run --scope --quiet --collect true\n.* --collect env MOLT_IN_SCOPE=1 \/bin\/sh -c command -v bash/,
  );
  const asked = { command: 'echo up; sleep 300', target, guard: { id: 'a' }, signal: control.signal };
  const running = bench.run(shell, asked);
  await eventually('it is up', () => running.stdout() !== '');
  control.abort();
  expect((await running).result).toMatchObject({ killed: 'verified', endedBy: 'cancel' });
  expect(await called()).toContain('--scope --quiet --collect --unit=molt-a-1.scope');
  expect(await called()).toContain('kill --signal=KILL molt-a-1.scope');
});

const user = { id: 'echo 1500' };

test('of a user who lingers it is a scope of that user', async () => {
  await withPrograms({ ...scope, ...user, loginctl: 'echo yes' });
  const { result, stdout } = await bench.once({
    command: 'echo "$XDG_RUNTIME_DIR"; exit 4',
    target,
    guard: { id: 'a' },
  });
  expect([result, stdout.toString()]).toEqual([{ exitCode: 4 }, '/run/user/1500\n']);
  expect(await called()).toContain('systemd-run --user --scope --quiet --collect --unit=molt-a-1.scope');
});

test.each([
  ['has no bus', { ...scope, 'systemd-run': 'echo "no bus\nat all" >&2; exit 1' }, 'systemd-run failed: no bus'],
  ['ends with the last session', { ...scope, ...user, loginctl: 'echo no' }, 'run loginctl enable-linger'],
])('where systemd %s nothing is started, and plain commands are', async (_what, programs, reason) => {
  await withPrograms(programs);
  await isRefused(reason);
});

test('where systemd-run is not there neither', async () => {
  const PATH = await pathWithout(['systemd-run']);
  await withPrograms({}, PATH);
  await isRefused('systemd-run is not there');
  await rm(PATH, { recursive: true });
});

test('a shell that got no scope starts nothing, though scopes can be made by now, and is not used again', async () => {
  const second = join(directory, 'second');
  const fails = `[ -e ${second} ] || { : >${second}; exit 1; }`;
  await withPrograms({ ...scope, 'systemd-run': `${fails}; ${scope['systemd-run']}` });
  const shell = await bench.open();
  await expect(bench.run(shell, { target, guard: { id: 'a' } })).rejects.toMatchObject({
    code: 'MOLT_NO_GUARD',
    message: expect.stringContaining('no scope could be made for the shell'),
  });
  expect(shell.isReusable()).toBe(false);
  const asked = { command: 'env | grep -c SCOPE', target, guard: { id: 'a' } };
  expect((await bench.once(asked)).stdout.toString()).toBe('0\n');
});

async function isRefused(reason: string): Promise<void> {
  const mark = join(directory, 'mark');
  const shell = await bench.open();
  const refused = bench.run(shell, { command: `touch ${mark}`, target, guard: { id: 'a' } });
  await expect(refused).rejects.toMatchObject({ code: 'MOLT_NO_GUARD', message: expect.stringContaining(reason) });
  expect((await bench.run(shell, { command: `test -e ${mark}`, target })).result).toEqual({ exitCode: 1 });
}
