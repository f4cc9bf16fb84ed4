import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newApiKey, ScheduleSpec } from '@moltbot/shared';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../src/run-cli.ts';

const { text: key } = newApiKey('acme');
const specOf = (more = {}) =>
  ScheduleSpec.parse({ when: '@daily', task: { action: 'shell.run', on: 'web-1' }, ...more });
const there = (id: string, more = {}, source = 'config') => ({ id, source, spec: specOf(more), failures: 0 });

let server: Server;
let url = '';
let cwd = '';
let asked: string[] = [];
/** By cursor. */
let pages: Readonly<Record<string, unknown>> = {};
let status = 200;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moltbot-diff-'));
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const cursor = new URL(request.url ?? '', url).searchParams.get('cursor') ?? '';
    response.writeHead(status).end(JSON.stringify(pages[cursor]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(cwd, { recursive: true });
});
beforeEach(() => {
  asked = [];
  status = 200;
  pages = { '': { schedules: [] } };
});

async function diff(config: string, environment: Readonly<Record<string, string>> = {}) {
  await writeFile(join(cwd, 'c.yaml'), config);
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(['schedule', 'diff', '--file', 'c.yaml'], {
    print: (line) => void out.push(line),
    complain: (line) => void err.push(line),
    environment: { MOLTBOT_URL: url, MOLTBOT_API_KEY: key, ...environment },
    cwd,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

const task = 'task: {action: shell.run, on: web-1}';
const tenants = 'tenants: {default: {}, acme: {}}';

test('tells what is new, another, gone or refused, of the tenant of the key, over all pages', async () => {
  pages = {
    '': {
      schedules: [there('gone'), there('mine', {}, 'api'), there('night', { owner: 'ops', jitter: '5s' })],
      cursor: 'a&b',
    },
    'a&b': { schedules: [there('same'), there('theirs', {}, 'api')] },
  };
  const declared = ['fresh', 'same', 'theirs'].map((id) => `  - {id: ${id}, tenant: acme, when: "@daily", ${task}}\n`);
  const night = `  - {id: night, tenant: acme, when: "30 2 * * *", owner: ops, task: {action: shell.run, on: web-1, args: {n: [1]}}}\n`;
  const config = `${tenants}\nschedules:\n${declared.join('')}${night}  - {id: elsewhere, when: "@daily", ${task}}\n`;
  const { code, out, err } = await diff(config);
  expect([code, err]).toEqual([1, '']);
  expect(out.split('\n')).toEqual([
    '+ fresh',
    '! theirs is the name of one made through the API: it is refused',
    '~ night',
    '    when: "@daily" → "30 2 * * *"',
    '    jitter: "5s" → (none)',
    '    task.args.n: (none) → [1]',
    '- gone',
  ]);
  expect(asked).toEqual([
    `GET /v1/schedules?limit=200 Bearer ${key}`,
    `GET /v1/schedules?limit=200&cursor=a%26b Bearer ${key}`,
  ]);
});

test('ends with 0 and says nothing when nothing would change', async () => {
  pages = { '': { schedules: [there('same'), there('mine', {}, 'api')] } };
  expect(await diff(`${tenants}\nschedules: [{id: same, tenant: acme, when: "@daily", ${task}}]`)).toEqual({
    ...{ code: 0, out: '', err: '' },
  });
});

test.each([
  ['schedules: [{id: a, wen: "@daily"}]', {}, 'did you mean "when"?'],
  [`${tenants}\nschedules: [{id: a, when: "61 * * * *", ${task}}]`, {}, 'schedules[0] (a) when: column 1'],
  ['tenants: {default: {}}', {}, 'the configuration has no tenant "acme", that of the API key'],
  [tenants, { MOLTBOT_API_KEY: 'mb_a_b_c' }, 'the API key names no tenant'],
  [tenants, { MOLTBOT_API_KEY: '' }, 'there is no API key'],
])('%j with %j asks nobody and ends with 2', async (config, environment, message) => {
  const { code, out, err } = await diff(config, environment);
  expect([code, out, asked]).toEqual([2, '', []]);
  expect(err).toContain(message);
});

test('a problem, an answer of somebody else and no answer end with 2', async () => {
  pages = { '': { code: 'MOLT_UNAUTHORIZED', detail: 'no such key', remedy: 'Make one.' } };
  status = 401;
  expect(await diff(tenants)).toEqual({ code: 2, out: '', err: 'MOLT_UNAUTHORIZED: no such key. Make one.' });
  status = 200;
  for (const body of [{}, { schedules: [{ id: 'a', source: 'config' }] }, { schedules: [], cursor: 7 }]) {
    pages = { '': body };
    const { code, err } = await diff(tenants);
    expect([code, err]).toEqual([2, `${url} answers with something else than schedules`]);
  }
  const { code, err } = await diff(tenants, { MOLTBOT_URL: 'http://127.0.0.1:1' });
  expect([code, err]).toEqual([2, expect.stringContaining('cannot be asked')]);
});
