import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyAction, Captured, CaptureSpec, JsonValue } from '@moltbot/plugin-sdk';
import { newId, silentLogger } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLocalTransport } from '../src/index.ts';
import { createFakeTransport, type FakeTransport } from './support/fake-transport.ts';
import { connectAtOnce, guarded, impatient, leaseMs } from './support/guarded-runs.ts';
import { type Lab, openLab, testAction } from './support/lab.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moltbot-capture-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const acting = (run: AnyAction['run']): { readonly actions: readonly AnyAction[] } => ({
  actions: [testAction('test.act', { effects: 'by-exec', run })],
});

/** Captures one command, and gives what it printed as data. */
const capturing = (more: Partial<CaptureSpec> = {}) =>
  acting(async ({ capture, args }) => {
    const { command } = args as { command: string };
    const captured = await capture({ command, ...more });
    return { exitCode: captured.exitCode, data: dataOf(captured) };
  });

const dataOf = ({ stdout, stderr, truncated }: Captured): JsonValue => ({ stdout, stderr, truncated });

describe.each(['guarded', 'readonly'] as const)('what a captured command of a %s run prints', (runClass) => {
  const act = (lab: Lab, command: string) => lab.accept({ action: 'test.act', command, class: runClass });
  const host = () =>
    createLocalTransport({
      ...{ log: silentLogger, killGraceMs: 200 },
      guard: { directory: join(directory, 'guard'), retentionMs: 3_600_000 },
    });

  test('is given to the action, and is not the output of the run', async () => {
    const lab = await openLab();
    await lab.worker({ ...capturing(), transports: [host()] });
    const order = await act(lab, "printf 'ü\\0'; printf '\\357\\273\\277e\\377' >&2; exit 3");
    await expect(lab.until(order)).resolves.toMatchObject({
      ...{ state: 'failed', exitCode: 3, stdoutBytes: 0, stderrBytes: 0 },
      data: { stdout: 'ü\0', stderr: '\ufeffe\ufffd', truncated: false },
    });
  });

  test('is the output of the run as well when that is asked for', async () => {
    const lab = await openLab();
    await lab.worker({ ...capturing({ stream: true }), transports: [host()] });
    const order = await act(lab, 'echo out; echo err >&2');
    await expect(lab.until(order)).resolves.toMatchObject({
      ...{ stdoutBytes: 4, stderrBytes: 4, data: { stdout: 'out\n', stderr: 'err\n' } },
    });
    expect(await lab.stdout(order)).toBe('out\n');
  });

  test('is kept up to a limit, and to the last whole character; the command goes on', async () => {
    const lab = await openLab();
    await lab.worker({ ...capturing({ maxBytes: 9 }), transports: [host()] });
    const order = await act(
      lab,
      'head -c 3000000 /dev/zero >&2; i=0; while [ $i -lt 50 ]; do printf é; i=$((i+1)); done; exit 4',
    );
    await expect(lab.until(order)).resolves.toMatchObject({
      exitCode: 4,
      data: { stdout: 'éééé', stderr: '\0'.repeat(9), truncated: true },
    });
    const exact = await act(lab, 'printf 123456789');
    await expect(lab.until(exact)).resolves.toMatchObject({ data: { stdout: '123456789', truncated: false } });
  });

  test('shows that the command is alive', async () => {
    const lab = await openLab();
    await lab.worker({ ...capturing(), transports: [host()] });
    const command = 'i=0; while [ $i -lt 12 ]; do echo $i; sleep 0.25; i=$((i+1)); done';
    const order = await lab.accept({ action: 'test.act', command, class: runClass, limits: { idleMs: 2_500 } });
    await expect(lab.until(order)).resolves.toMatchObject({ state: 'succeeded' });
  });
});

describe('a run that is taken over', () => {
  /** Writes, captures, writes what it captured, and runs another command. */
  const steps = acting(async ({ capture, exec, write }) => {
    await write('stdout', '<');
    const a = await capture({ command: 'a' });
    await write('stdout', `${a.stdout}>`);
    const b = await capture({ command: 'b', stream: true });
    await exec({ command: 'c' });
    return { data: { a: dataOf(a), b: dataOf(b) } };
  });

  const untilAsked = (host: FakeTransport, command: string): Promise<unknown> =>
    eventually(`another look at ${command}`, () => host.asked(command) === 2);

  test.each(['a', 'b', 'c'])(
    'while its command %s runs: all that was captured is whole, and nothing is written twice',
    async (last) => {
      const lab = await openLab();
      const host = createFakeTransport({
        ...connectAtOnce,
        onLaunch(text, record) {
          record.print(`${text}1`);
          record.print(`(${text})`, 'stderr');
          if (text < last) record.print(`${text}2`);
          if (text < last) record.end({ exitCode: 0 });
        },
      });
      const dying = await lab.worker({ ...steps, transports: [host], leaseMs });
      const order = await lab.accept({ action: 'test.act', ...guarded });
      const seen = { a: '<', b: '<a1a2>b1', c: '<a1a2>b1b2c1' };
      await host.command(last);
      await eventually('what it wrote', async () => (await lab.stdout(order)) === seen[last as keyof typeof seen]);
      await dying.die();
      lab.clock.advance(leaseMs + 1);
      await lab.worker({ ...steps, transports: [host] });
      await untilAsked(host, last);
      for (const text of ['a', 'b', 'c'].filter((each) => each >= last)) {
        const record = await eventually(`the record of ${text}`, () =>
          host.target.record(text === 'a' ? order.runId : `${order.runId}-${text === 'b' ? 2 : 3}`),
        );
        record.print(`${text}2`);
        record.end({ exitCode: 0 });
      }
      const whole = (text: string) => ({ stdout: `${text}1${text}2`, stderr: `(${text})`, truncated: false });
      const record = await lab.until(order);
      expect(record).toMatchObject({ state: 'succeeded', attempts: 1 });
      expect(record.data).toEqual({ a: whole('a'), b: whole('b') });
      expect(await lab.stdout(order)).toBe('<a1a2>b1b2c1c2');
      expect(record.stderrBytes).toBe('(b)(c)'.length);
      expect(['a', 'b', 'c'].map((text) => host.sent(text))).toEqual([1, 1, 1]);
    },
  );

  test('on a real host: its command goes on, and all that it printed is captured', async () => {
    const file = join(directory, newId());
    const command = `echo $$ >>${file}.starts; echo one; while [ ! -e ${file}.go ]; do sleep 0.05; done; echo two`;
    const host = () =>
      createLocalTransport({
        log: silentLogger,
        guard: { directory: join(directory, 'real'), retentionMs: 3_600_000 },
      });
    const lab = await openLab();
    const dying = await lab.worker({ ...capturing(), transports: [host()], leaseMs });
    const order = await lab.accept({ action: 'test.act', command, ...guarded });
    await eventually('its start', () => readFile(`${file}.starts`, 'utf8').catch(() => ''));
    await dying.die();
    lab.clock.advance(leaseMs + 1);
    await lab.worker({ ...capturing(), transports: [host()], worker: 'second' });
    await eventually('the take-over', async () => (await lab.run(order)).worker === 'second');
    await writeFile(`${file}.go`, '');
    await expect(lab.until(order)).resolves.toMatchObject({
      ...{ state: 'succeeded', attempts: 1, data: { stdout: 'one\ntwo\n', stderr: '', truncated: false } },
    });
    expect((await readFile(`${file}.starts`, 'utf8')).trim().split('\n')).toHaveLength(1);
  });

  test('after its target forgot what the command printed: nobody takes nothing for its output', async () => {
    const lab = await openLab();
    const host = createFakeTransport(connectAtOnce);
    const dying = await lab.worker({ ...capturing(), transports: [host], leaseMs });
    const order = await lab.accept({ action: 'test.act', command: 'x', ...guarded });
    const record = await eventually('its record', () => host.target.record(order.runId));
    record.print('all');
    await dying.die();
    record.end({ exitCode: 0 });
    host.target.forget({ id: order.runId, attempt: 1 });
    lab.clock.advance(leaseMs + 1);
    await lab.worker({ ...capturing(), transports: [host] });
    const ended = await lab.until(order);
    expect(ended).toMatchObject({ state: 'unknown', error: { code: 'MOLT_RUN_LOST' } });
    expect(ended.error?.message).toContain('has forgotten its output');
    expect(ended.data).toBeUndefined();
  });
});

test('a captured command whose link breaks is attached to again: each byte once', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  await impatient(lab, host, { ...capturing({ stream: true }), patience: { reattachMs: 10_000 } });
  const order = await lab.accept({ action: 'test.act', command: 'x', ...guarded });
  const record = await eventually('its record', () => host.target.record(order.runId));
  for (const [index, text] of ['one ', 'two ', 'three'].entries()) {
    record.print(text);
    record.print(String(index), 'stderr');
    await eventually('its output', async () => (await lab.stdout(order)).endsWith(text));
    const asked = host.asked('x');
    host.cut();
    host.mend();
    await eventually('an attach', () => host.asked('x') > asked);
  }
  record.end({ exitCode: 0 });
  await expect(lab.until(order)).resolves.toMatchObject({
    ...{ state: 'succeeded', data: { stdout: 'one two three', stderr: '012', truncated: false } },
  });
  expect(await lab.stdout(order)).toBe('one two three');
});

test('a capture counts as a command: one at a time in a guarded run', async () => {
  const lab = await openLab();
  const two = acting(async ({ capture, exec }) => {
    const [one] = await Promise.all([capture({ command: 'a' }), exec({ command: 'b' })]);
    return one;
  });
  const host = createFakeTransport({ ...connectAtOnce, onLaunch: (_text, record) => record.end({ exitCode: 0 }) });
  await lab.worker({ ...two, transports: [host] });
  const order = await lab.accept({ action: 'test.act', ...guarded });
  const { error } = await lab.until(order);
  expect(error).toMatchObject({
    code: 'MOLT_ACTION_FAILED',
    message: expect.stringContaining('one command at a time'),
  });
});

describe('the data of a result', () => {
  const giving = (data: unknown, exitCode = 0) => acting(async () => ({ exitCode, data: data as JsonValue }));
  const circle: { self?: unknown } = {};
  circle.self = circle;

  test.each([
    ['of 64 KiB', 'x'.repeat(65_534), 0],
    ['of a run that failed', { full: ['/'] }, 2],
    ['that is null', null, 0],
  ])('%s is kept', async (_what, data, exitCode) => {
    const lab = await openLab();
    await lab.worker(giving(data, exitCode));
    const record = await lab.until(await lab.accept({ action: 'test.act' }));
    expect(record).toMatchObject({ state: exitCode === 0 ? 'succeeded' : 'failed', exitCode });
    expect(record.data).toEqual(data);
  });

  test('is what JSON makes of it', async () => {
    const lab = await openLab();
    await lab.worker(giving({ at: new Date(0), not: undefined, nan: Number.NaN }));
    const record = await lab.until(await lab.accept({ action: 'test.act' }));
    expect(record.data).toStrictEqual({ at: '1970-01-01T00:00:00.000Z', nan: null });
  });

  test.each([
    ['is larger than 64 KiB', 'ü'.repeat(32_768), '65538 bytes'],
    ['goes in a circle', circle, 'circular'],
    ['is a function', () => 1, 'a function'],
    ['has a number that JSON has not', { n: 1n }, 'BigInt'],
  ])('that %s fails the run, and says why', async (_what, data, why) => {
    const lab = await openLab();
    await lab.worker(giving(data));
    const record = await lab.until(await lab.accept({ action: 'test.act' }));
    expect(record).toMatchObject({
      ...{ state: 'failed', attempts: 1 },
      error: { code: 'MOLT_BAD_DATA', message: expect.stringContaining(why) },
    });
    expect(record.data).toBeUndefined();
  });
});

test('a run that was cancelled has no data, whatever its action gives', async () => {
  const lab = await openLab();
  const host = createFakeTransport(connectAtOnce);
  await lab.worker({ ...capturing(), transports: [host], leaseMs: 500 });
  const order = await lab.accept({ action: 'test.act', command: 'x', ...guarded });
  await eventually('its record', () => host.target.record(order.runId));
  await lab.store.requestCancel('acme', order.task.id);
  const record = await lab.until(order);
  expect(record).toMatchObject({ state: 'cancelled' });
  expect(record.data).toBeUndefined();
});
