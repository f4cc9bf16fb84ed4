import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hashApiKey, loadConfig, parseApiKey } from '@moltbot/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../src/run-cli.ts';

let cwd = '';
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moltbot-cli-'));
  await writeFile(
    join(cwd, 'good.yaml'),
    'bus: {url: "amqp://u:hunter22@rabbit/v"}\nplatforms: {discord: {main: {token: t}}}\n',
  );
  await writeFile(join(cwd, 'bad.yaml'), 'gateway:\n  prot: 1\nlog: {level: loud}\n');
});
afterAll(() => rm(cwd, { recursive: true }));

async function cli(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(args, {
    print: (text) => void out.push(text),
    complain: (text) => void err.push(text),
    environment: {},
    cwd,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

test('config check reads schedules as the scheduler does', async () => {
  const schedule = (id: string, when: string): string =>
    `  - {id: ${id}, when: "${when}", task: {action: shell.run, on: local}}\n`;
  const name = join(cwd, 'schedules.yaml');
  await writeFile(name, `schedules:\n${schedule('good', '@daily')}${schedule('night', '0 25 * * *')}`);
  const { code, out, err } = await cli('config', 'check', '--file', name);
  expect([code, out]).toEqual([1, '']);
  expect(err).toBe('schedules[1] (night) when: column 3: "25" is out of range for the hour: 0 to 23');
});

test('config check prints what is in force without secrets, and warnings beside it', async () => {
  const { code, out, err } = await cli('config', 'check', '--file', 'good.yaml');
  expect(code).toBe(0);
  expect(out).toContain('bus:\n  kind: amqp\n  url: amqp://[redacted]@rabbit\n');
  expect(out).not.toContain('hunter22');
  expect(err).toMatch(/^warning: good\.yaml:2:23 platforms\.discord\.main: it has neither guilds nor directMessages/);
});

test('config check prints every mistake with its place, and what to do', async () => {
  const { code, out, err } = await cli('config', 'check', '-f', 'bad.yaml');
  expect([code, out]).toEqual([1, '']);
  expect(err.split('\n')).toEqual([
    'bad.yaml:2:3 gateway.prot: unknown key; did you mean "port"?',
    'bad.yaml:3:14 log.level: must be one of debug, info, warn, error, silent',
    '',
    'MOLT_BAD_CONFIG: The configuration is wrong.',
    expect.stringContaining('npm run config:check'),
  ]);
  expect((await cli('config', 'check', '--file', 'none.yaml')).err).toContain('none.yaml: cannot be read (ENOENT)');
});

test('config schema prints a JSON Schema', async () => {
  const { code, out } = await cli('config', 'schema');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ type: 'object', additionalProperties: false, properties: { gateway: {} } });
});

test('key new prints a key, and lines that make the configuration know it', async () => {
  const { code, out } = await cli('key', 'new', '--tenant', 'acme');
  expect(code).toBe(0);
  const text = out.split('\n').find((line) => line.startsWith('mb_')) ?? '';
  const { config } = await loadConfig({ text: out.slice(out.indexOf('tenants:')), environment: {}, cwd });
  expect(config.tenants['acme']?.apiKeys).toEqual([{ id: parseApiKey(text)?.id, hash: hashApiKey(text) }]);
  expect((await cli('key', 'new', '--tenant', 'acme')).out).not.toContain(text);
});

test.each([
  [['key', 'new'], '--tenant is missing: name the tenant of the key, such as --tenant default'],
  [['key', 'new', '--tenant', 'No_Such'], 'a tenant id is 1 to 32 of a-z, 0-9 and -'],
  [['config', 'check', '--fil', 'x'], "Unknown option '--fil'"],
  [['config', 'check', 'x'], 'usage: moltbot config check [--file FILE]'],
  [['config', 'chek'], 'there is no command "config chek"; did you mean "config check"?'],
  [['key'], 'there is no command "key"; did you mean "key new"?'],
  [['task', 'show'], 'TASK is missing\nusage: moltbot task show TASK [--url URL] [--key KEY]'],
  [['task', 'show', 'a', 'b'], "Unexpected argument 'b'"],
  [['dead', 'list', 'a'], "Unexpected argument 'a'"],
  [['deploy'], 'there is no command "deploy"\n'],
])('%j is no use of it', async (args, message) => {
  const { code, out, err } = await cli(...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(message);
});

test.each([[[]], [['help']], [['--help']], [['config', 'check', '-h']]])('%j prints the commands', async (args) => {
  const { code, out } = await cli(...args);
  expect(code).toBe(0);
  expect(out.match(/^ {2}moltbot \w+ \w+/gm)).toEqual([
    '  moltbot config check',
    '  moltbot config schema',
    '  moltbot key new',
    '  moltbot task show',
    '  moltbot task cancel',
    '  moltbot task resolve',
    '  moltbot dead list',
    '  moltbot dead show',
    '  moltbot dead replay',
    '  moltbot dead drop',
    '  moltbot notify list',
    '  moltbot notify test',
    '  moltbot schedule list',
    '  moltbot schedule show',
    '  moltbot schedule next',
    '  moltbot schedule history',
    '  moltbot schedule pause',
    '  moltbot schedule resume',
    '  moltbot schedule run',
    '  moltbot schedule backfill',
    '  moltbot schedule drop',
    '  moltbot chat code',
    '  moltbot chat people',
    '  moltbot chat forget',
    '  moltbot schedule diff',
  ]);
  expect(out).toContain('npm run moltbot -- ');
});

test('the command itself ends with the code, and writes to the right streams', async () => {
  const main = new URL('../src/main.ts', import.meta.url).pathname;
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args], { cwd, env: {} });
  await expect(run('help')).resolves.toMatchObject({ stdout: expect.stringContaining('moltbot key new'), stderr: '' });
  await expect(run('config', 'check', '-f', 'bad.yaml')).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('gateway.prot'),
  });
});
