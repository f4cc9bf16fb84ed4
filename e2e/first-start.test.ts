import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { createApiClient, eventually, freePort, type TaskView } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { machinePath, npmStart, type Start } from './npm-start.ts';

const directory = mkdtempSync(join(tmpdir(), 'moltbot-first-start-'));
const dataDir = join(directory, 'data');
let port = 0;
const starts: Start[] = [];
beforeAll(async () => {
  port = await freePort();
});
afterAll(() => {
  for (const start of starts) start.dispose();
  rmSync(directory, { recursive: true, force: true });
});

function start(settings: Record<string, string> = {}): Start {
  const started = npmStart({
    environment: { MOLTBOT_DATA_DIR: dataDir, MOLTBOT_GATEWAY_PORT: String(port), ...settings },
    logFile: join(directory, `start-${starts.length}.log`),
  });
  starts.push(started);
  return started;
}

/** Resolves to the URL of the line that says it is ready. */
const ready = (started: Start): Promise<string> => started.says('the ready line', /^Moltbot is ready at (\S+)/m);
const msSince = (start: number): number => Math.round(performance.now() - start);
const note = (text: string): boolean => process.stdout.write(`first-start: ${text}\n`);
const keyFile = (): string => readFileSync(join(dataDir, 'api-key'), 'utf8').trim();
const stackTrace = /^ +at .*\(?(node:|file:|\/)/m;

/** Of the command that was printed to be pasted: by sh as it stands, or the same by fetch where there is no curl. */
async function runPrinted(output: string): Promise<TaskView> {
  const [line = ''] = /^ +curl -s [^\n]+\\\n[^\n]+$/m.exec(output) ?? [];
  const [, url = '', key, body = ''] =
    /'(http[^']+)' .*'Authorization: Bearer (\S+)'[\s\S]* -d '([^']+)'$/.exec(line) ?? [];
  expect(key).toBe(keyFile());
  const hasCurl = machinePath.split(delimiter).some((folder) => existsSync(join(folder, 'curl')));
  if (hasCurl) return JSON.parse((await promisify(execFile)('sh', ['-c', line])).stdout) as TaskView;
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return (await (await fetch(url, { method: 'POST', headers, body })).json()) as TaskView;
}

let first: Start;
/** Ids of tasks of the first start. */
const tasks = { uname: '', slow: '' };

test('the first start says a key once, keeps it for its owner alone, and the line it prints runs as it stands', async () => {
  first = start();
  const url = await ready(first);
  note(`first start ready after ${msSince(first.startedAt)} ms`);
  expect(url).toBe(`http://127.0.0.1:${port}`);
  expect(keyFile()).toMatch(/^mb_default_[a-z2-7]{10}_[A-Za-z0-9]{43}$/);
  expect(
    first
      .output()
      .split('\n')
      .filter((line) => line.trim() === keyFile()),
  ).toHaveLength(1);
  expect(first.output()).toContain(`kept in ${join(dataDir, 'api-key')}`);
  expect(statSync(join(dataDir, 'api-key')).mode & 0o777).toBe(0o600);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  const task = await runPrinted(first.output());
  expect(task).toMatchObject({ state: 'succeeded', runs: [{ exitCode: 0, stdout: expect.stringMatching(/^Linux /) }] });
  tasks.uname = task.id;
});

test('the page of the API is there, and loads nothing from outside', async () => {
  const base = `http://127.0.0.1:${port}/docs/`;
  const page = await fetch(base);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  const html = await page.text();
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => new URL(link, base));
  expect(links.length).toBeGreaterThan(3);
  for (const link of links) {
    expect(link.origin).toBe(new URL(base).origin);
    const asset = await fetch(link);
    expect(asset.status, link.pathname).toBe(200);
    const text = await asset.text();
    if (link.pathname.endsWith('.css')) expect(text).not.toMatch(/url\(\s*["']?(?:https?:)?\/\//);
    if (link.pathname.endsWith('initializer.js')) expect(text).not.toMatch(/["'](?:https?:)?\/\/\w/);
  }
});

test('a second process on the same data directory ends with a clear error, and the first works on', async () => {
  const second = start({ MOLTBOT_GATEWAY_PORT: String(await freePort()) });
  expect(await second.ended()).toEqual({ code: 1, signal: null });
  expect(second.output()).toContain(`${join(dataDir, 'moltbot.db')} is in use by another process`);
  expect(second.output()).toContain('data directory of its own');
  expect(second.output()).not.toMatch(stackTrace);
  const { stdout } =
    (await createApiClient(`http://127.0.0.1:${port}`, keyFile()).shell('echo on', 'local')).runs[0] ?? {};
  expect(stdout).toBe('on\n');
});

test('Ctrl-C lets what runs finish, then all of it ends by itself', async () => {
  const api = createApiClient(`http://127.0.0.1:${port}`, keyFile());
  const args = { command: 'echo begun; sleep 1; echo whole' };
  const { body } = await api.post('/v1/tasks', { action: 'shell.run', args, on: 'local' });
  tasks.slow = body.id;
  await eventually('it runs', async () => (await api.get(`/v1/tasks/${body.id}`)).body.runs[0]?.stdout === 'begun\n');
  const asked = performance.now();
  first.signal('SIGINT');
  expect(await first.ended()).toEqual({ code: 0, signal: null });
  note(`Ctrl-C with a command of 1 s: ended after ${msSince(asked)} ms`);
  expect(msSince(asked)).toBeLessThan(8_000);
  expect(first.output()).not.toMatch(stackTrace);
});

test('the second start is quick, says no key, keeps tasks and output; Ctrl-C ends it at once', async () => {
  const second = start();
  const api = createApiClient(await ready(second), keyFile());
  const readyMs = msSince(second.startedAt);
  note(`second start ready after ${readyMs} ms`);
  // On a machine that runs two other tests at the same time.
  expect(readyMs).toBeLessThan(10_000);
  expect(second.output()).not.toContain('mb_');
  expect((await api.get(`/v1/tasks/${tasks.uname}`)).body.runs[0]?.stdout).toMatch(/^Linux /);
  expect(await (await api.raw(`/v1/tasks/${tasks.uname}/output`)).text()).toMatch(/^Linux /);
  expect((await api.get(`/v1/tasks/${tasks.slow}`)).body).toMatchObject({
    state: 'succeeded',
    runs: [{ stdout: 'begun\nwhole\n', attempts: 1 }],
  });
  const asked = performance.now();
  second.signal('SIGINT');
  expect(await second.ended()).toEqual({ code: 0, signal: null });
  note(`idle Ctrl-C: ended after ${msSince(asked)} ms`);
  expect(msSince(asked)).toBeLessThan(6_000);
});

test('a port that is taken is named, with what to do', async () => {
  const occupant = createServer().listen(port, '127.0.0.1');
  try {
    const refused = start();
    expect(await refused.ended()).toEqual({ code: 1, signal: null });
    expect(refused.output()).toContain(`cannot listen on 127.0.0.1, port ${port}: another process listens there`);
    expect(refused.output()).toContain('MOLTBOT_GATEWAY_PORT');
    expect(refused.output()).not.toMatch(stackTrace);
  } finally {
    await new Promise((resolve) => occupant.close(resolve));
  }
});

test('killed with tasks in the queue: after the next start each of them ends well, once', async () => {
  const slow = start({ MOLTBOT_EXECUTOR_SLOTS: '1' });
  const before = createApiClient(await ready(slow), keyFile());
  const journal = join(directory, 'journal');
  const post = async (command: string): Promise<string> =>
    (await before.post('/v1/tasks', { action: 'shell.run', args: { command }, on: 'local' })).body.id;
  const running = await post(`echo running >> ${journal}; sleep 10`);
  await eventually('the slot is taken', () => existsSync(journal));
  const names = Array.from({ length: 12 }, (_, n) => `queued-${n}`);
  const queued = await Promise.all(names.map((name) => post(`echo ${name} >> ${journal}`)));
  slow.signal('SIGKILL');
  expect(await slow.ended()).toEqual({ code: null, signal: 'SIGKILL' });
  expect(readFileSync(journal, 'utf8')).toBe('running\n');

  const again = start();
  const api = createApiClient(await ready(again), keyFile());
  const stateOf = async (id: string): Promise<string> => (await api.get(`/v1/tasks/${id}`)).body.state;
  await eventually(
    'the queue is worked off',
    async () => (await Promise.all(queued.map(stateOf))).every((state) => state === 'succeeded'),
    { everyMs: 100 },
  );
  // The one that ran went on without us, and was found.
  await eventually('the end of the other', async () => (await stateOf(running)) === 'succeeded', {
    withinMs: 25_000,
    everyMs: 100,
  });
  expect(readFileSync(journal, 'utf8').trim().split('\n').sort()).toEqual(['running', ...names].sort());
  again.signal('SIGINT');
  expect(await again.ended()).toEqual({ code: 0, signal: null });
}, 60_000);
