import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Installation, startEmbedded, type TaskView } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const privateKey =
  '-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5LCBidXQgYSBzZWNyZXQ=\n-----END OPENSSH PRIVATE KEY-----\n';

let moltbot: Installation;
beforeAll(async () => {
  moltbot = await startEmbedded({
    config: {
      tenants: { default: {}, acme: {} },
      ssh: { identities: { default: { privateKey } } },
      limits: { requests: { perSecond: 2_000, burst: 2_000 } },
      log: { level: 'debug' },
      targets: [
        { name: 'local', transport: 'local' },
        { name: 'web-1', transport: 'local', labels: { env: 'prod' } },
        { name: 'web-2', transport: 'local', labels: { env: 'test' } },
        { name: 'far', host: '127.0.0.1', user: 'nobody' },
        { name: 'theirs', transport: 'local', tenant: 'acme' },
      ],
    },
  });
});
afterAll(() => moltbot?.stop());

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** The problem an answer is. What every one of them has is checked here. */
async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await response.json()) as Problem & Record<string, unknown>;
  expect(problem).toMatchObject({
    type: `/docs/errors#${problem.code}`,
    status: response.status,
    instance: new URL(response.url).pathname,
    requestId: response.headers.get('x-request-id'),
    title: expect.stringMatching(/\w{2,}/),
    remedy: expect.stringMatching(/\w{4,}/),
    detail: expect.stringMatching(/\w{2,}/),
  });
  return problem;
}

const good = { action: 'shell.run', args: { command: 'true' }, on: 'local' };
const json = { 'content-type': 'application/json' };

const post = (body: unknown, headers: Record<string, string> = {}, query = ''): Promise<Response> =>
  moltbot.api.raw(`/v1/tasks${query}`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

type Row = readonly [what: string, body: unknown, code: string, path: RegExp, message: RegExp];

const deepMap = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
const deepList = '['.repeat(40_000) + ']'.repeat(40_000);

const bodies: readonly Row[] = [
  ['JSON with a comma too many', '{\n "action": "a",\n}', 'MOLT_BAD_JSON', /^\/body$/, /^wrong at position 18$/],
  ['JSON that is cut off', '{"action":"shell.run"', 'MOLT_BAD_JSON', /^\/body$/, /^wrong at position 21$/],
  ['JSON with a bare word', '{"action": oops}', 'MOLT_BAD_JSON', /^\/body$/, /^wrong at position 11$/],
  ['a list', '[]', 'MOLT_BAD_REQUEST', /^\/body$/, /expected object/],
  ['lists 40,000 deep', deepList, 'MOLT_BAD_REQUEST', /^\/body$/, /expected object/],
  ['no body', '', 'MOLT_BAD_REQUEST', /^\/body$/, /expected object/],
  ['an unknown action', { ...good, action: 'shell.rum' }, 'MOLT_UNKNOWN_ACTION', /action$/, /mean "shell\.run"\?$/],
  ['an action with NUL', { ...good, action: 'a\0b' }, 'MOLT_UNKNOWN_ACTION', /action$/, /no action/],
  ['arguments as a list', { ...good, args: [] }, 'MOLT_BAD_REQUEST', /\/args$/, /expected record/],
  ['a command that is a number', { ...good, args: { command: 5 } }, 'MOLT_BAD_ARGUMENTS', /args\/command$/, /string/],
  ['no command', { ...good, args: {} }, 'MOLT_BAD_ARGUMENTS', /args\/command$/, /expected string/],
  ['a command of 200 KB', command('x'.repeat(200_000)), 'MOLT_BAD_ARGUMENTS', /args\/command$/, /100000/],
  [
    'an unknown argument',
    args({ comand: 'x' }),
    'MOLT_BAD_ARGUMENTS',
    /\/args\/comand$/,
    /^is not an argument of shell\.run$/,
  ],
  ['a variable named A=B', args({ env: { 'A=B': 'c' } }), 'MOLT_BAD_ARGUMENTS', /args\/env\/A=B$/, /\w/],
  ['arguments 20,000 deep', withArgs(deepMap), 'MOLT_BAD_ARGUMENTS', /args\/command$/, /expected string/],
  ['an unknown field', { ...good, tiemout: '3s' }, 'MOLT_BAD_REQUEST', /\/tiemout$/, /is not a field/],
  ['no selector', { action: 'shell.run', args: good.args }, 'MOLT_BAD_REQUEST', /\/on$/, /is required/],
  ['a selector that is a list', { ...good, on: ['local'] }, 'MOLT_BAD_REQUEST', /\/on$/, /expected string/],
  ['a name that is not there', { ...good, on: 'nobody' }, 'MOLT_NO_TARGETS', /\/on$/, /none .* is named "nobody"/],
  ['a target of another tenant', { ...good, on: 'theirs' }, 'MOLT_NO_TARGETS', /\/on$/, /none .* named "theirs"/],
  ['a label no target has', { ...good, on: 'web-* env=stage' }, 'MOLT_NO_TARGETS', /\/on$/, /"env": prod, test/],
  [
    'a part that leaves nothing',
    { ...good, on: 'web-* env=prod !web-1' },
    'MOLT_NO_TARGETS',
    /\/on$/,
    /^"!web-1" removed the last 1$/,
  ],
  [
    'a selector that ends early',
    { ...good, on: 'web-* (' },
    'MOLT_BAD_SELECTOR',
    /^\/body\/on$/,
    /^column 8: .*found the end/,
  ],
  ['a selector with NUL', { ...good, on: 'a\0b' }, 'MOLT_BAD_SELECTOR', /^\/body\/on$/, /^column 2: .*no meaning/],
  ['a timeout in words', { ...good, timeout: 'soon' }, 'MOLT_BAD_REQUEST', /\/timeout$/, /30s/],
  ['a timeout that is a number', { ...good, timeout: 30 }, 'MOLT_BAD_REQUEST', /\/timeout$/, /expected string/],
  ['a timeout of nothing', { ...good, timeout: '0s' }, 'MOLT_BAD_DURATION', /\/timeout$/, /longer/],
  ['a timeout of a year', { ...good, timeout: '365d' }, 'MOLT_BAD_DURATION', /\/timeout$/, /7d at most/],
];

function args(more: object): object {
  return { ...good, args: { ...good.args, ...more } };
}
function command(text: string): object {
  return { ...good, args: { command: text } };
}
function withArgs(text: string): string {
  return `{"action":"shell.run","on":"local","args":${text}}`;
}

describe('a body is refused with code, place and remedy:', () => {
  test.each(bodies)('%s', async (_what, body, code, path, message) => {
    const response = await post(body);
    expect(response.status).toBe(code === 'MOLT_NO_TARGETS' ? 404 : 400);
    const problem = await problemOf(response);
    expect(problem.code).toBe(code);
    expect(problem.errors).toContainEqual({
      path: expect.stringMatching(path),
      message: expect.stringMatching(message),
    });
  });

  test('a selector that cannot be read is shown with a caret below the column', async () => {
    const { detail, errors } = await problemOf(await post({ ...good, on: 'web-* env=prod ) x' }));
    const [said, source = '', caret = ''] = detail.split('\n');
    expect(said).toBe('expected the end, found ")"');
    expect(source.trim()).toBe('web-* env=prod ) x');
    expect(source.charAt(caret.indexOf('^'))).toBe(')');
    expect(errors).toMatchObject([{ path: '/body/on', message: expect.stringMatching(/^column 16: /) }]);
  });

  test('2 MB', async () => {
    const response = await post(command('x'.repeat(2_000_000)));
    expect(response.status).toBe(413);
    const problem = await problemOf(response);
    expect(problem.code).toBe('MOLT_BODY_TOO_LARGE');
    expect(problem.detail).toContain('1048576 bytes');
    expect(problem.remedy).toContain('gateway.bodyLimit');
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])('%s', async (type) => {
    const response = await post(good, { 'content-type': type });
    expect(response.status).toBe(415);
    expect((await problemOf(response)).code).toBe('MOLT_BAD_MEDIA_TYPE');
  });
});

const noTask = '0197c0de-0000-7000-8000-000000000000';

describe('a query, a header or a path is refused:', () => {
  test.each([
    ['?wait=soon', {}, /^\/query\/wait$/, /30s/],
    ['?wait=-1s', {}, /^\/query\/wait$/, /30s/],
    ['?wait=1s&wait=2s', {}, /^\/query\/wait$/, /expected string/],
    ['', { 'idempotency-key': 'has space' }, /^\/headers\/idempotency-key$/, /255 visible ASCII/],
    ['', { 'idempotency-key': 'x'.repeat(256) }, /^\/headers\/idempotency-key$/, /255 visible ASCII/],
  ])('a post with %s %o', async (query, headers, path, message) => {
    const response = await post(good, headers, query);
    const { code, errors } = await problemOf(response);
    expect([response.status, code]).toEqual([400, 'MOLT_BAD_REQUEST']);
    expect(errors).toEqual([{ path: expect.stringMatching(path), message: expect.stringMatching(message) }]);
  });

  test.each([
    ['?cursor=nonsense', /\/cursor$/, /page before/],
    ['?limit=0', /\/limit$/, />=1/],
    ['?limit=many', /\/limit$/, /number/],
    ['?state=done', /\/state\/0$/, /succeeded/],
    ['?since=yesterday', /\/since$/, /2026-01-31T08:00:00Z/],
  ])('a list with %s', async (query, path, message) => {
    const response = await moltbot.api.raw(`/v1/tasks${query}`);
    const { code, errors } = await problemOf(response);
    expect([response.status, code]).toEqual([400, 'MOLT_BAD_REQUEST']);
    expect(errors).toEqual([{ path: expect.stringMatching(path), message: expect.stringMatching(message) }]);
  });

  test.each([
    ['GET', '/v2/tasks', 404],
    ['GET', '/v1/taks', 404],
    ['DELETE', '/v1/tasks', 404],
    ['GET', `/v1/tasks/${noTask}`, 404],
    ['GET', `/v1/tasks/${noTask}/output`, 404],
    ['GET', `/v1/tasks/${noTask}/events`, 404],
    ['POST', `/v1/tasks/${noTask}/cancel`, 404],
    ['GET', '/v1/tasks/..%2f..%2fetc', 404],
    ['GET', '/v1/tasks/%00', 404],
    ['GET', '/v1/tasks/%zz', 400],
    ['GET', `/v1/tasks/${'x'.repeat(5_000)}`, 400],
  ])('%s %s', async (method, path, status) => {
    const response = await moltbot.api.raw(path, { method });
    expect(response.status).toBe(status);
    expect((await problemOf(response)).code).toBe(status === 404 ? 'MOLT_NOT_FOUND' : 'MOLT_BAD_REQUEST');
  });

  test('a range without a byte in it, a cancel too late, a used Idempotency-Key', async () => {
    const { id } = await moltbot.api.shell('echo hi', 'local');
    for (const range of ['bytes=100-', 'bytes=x-y', 'bytes=2-1']) {
      const unmet = await moltbot.api.raw(`/v1/tasks/${id}/output`, { headers: { range } });
      expect([unmet.status, unmet.headers.get('content-range')], range).toEqual([416, 'bytes */3']);
      const problem = await problemOf(unmet);
      expect(problem.errors?.[0]?.path).toBe('/headers/range');
      expect(problem.code).toBe('MOLT_RANGE');
      expect(problem.detail).toContain(range);
    }
    const late = await moltbot.api.raw(`/v1/tasks/${id}/cancel`, { method: 'POST' });
    expect(late.status).toBe(409);
    expect(await problemOf(late)).toMatchObject({ code: 'MOLT_TASK_FINAL', state: 'succeeded' });
    const key = { 'idempotency-key': 'bad-input' };
    expect((await post(good, key)).status).toBe(202);
    const other = await post({ ...good, on: 'web-1' }, key);
    expect([other.status, (await problemOf(other)).code]).toEqual([409, 'MOLT_IDEMPOTENCY_CONFLICT']);
  });
});

/** A key that is the right one but for its tenant or the end of its secret. */
const almost = {
  'another secret': () => moltbot.api.key.replace(/.{4}$/, 'aaaa'),
  'an unknown tenant': () => moltbot.api.key.replace('mb_default_', 'mb_nobody_'),
  "another tenant's name": () => moltbot.api.key.replace('mb_default_', 'mb_acme_'),
  'a tenant that is a word of JavaScript': () => moltbot.api.key.replace('mb_default_', 'mb_constructor_'),
  'no form of a key': () => 'nonsense',
} as const;

describe('who is not known is refused:', () => {
  test.each(Object.entries(almost))('%s', async (_what, keyOf) => {
    const response = await moltbot.api.raw('/v1/tasks', { headers: { authorization: `Bearer ${keyOf()}` } });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const text = await response.clone().text();
    expect((await problemOf(response)).code).toBe('MOLT_KEY_WRONG');
    expect(text).not.toContain(keyOf());
  });

  test.each([undefined, 'Basic bW9sdGJvdDp4', 'Bearer', 'mb_default_without_bearer'])('%s', async (authorization) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${moltbot.api.url}/v1/tasks`, { headers });
    expect(response.status).toBe(401);
    const problem = await problemOf(response);
    expect(problem.code).toBe('MOLT_KEY_MISSING');
    expect(problem.remedy).toContain('Authorization: Bearer mb_');
  });
});

describe('what only the host can refuse ends the run with code and remedy:', () => {
  test.each([
    ['a command with NUL', { command: 'echo a\0b' }, 'MOLT_BAD_ARGUMENTS'],
    ['a variable with NUL', { command: 'env', env: { A: 'a\0b' } }, 'MOLT_BAD_ARGUMENTS'],
    ['a variable of 1 MB', { command: 'env', env: { A: 'x'.repeat(1_000_000) } }, 'MOLT_BAD_ARGUMENTS'],
    ['a command that is long in bytes alone', { command: `: ${'€'.repeat(90_000)}` }, 'MOLT_BAD_ARGUMENTS'],
    ['a directory that is not there', { command: 'pwd', cwd: '/no/such' }, 'MOLT_ACTION_FAILED'],
  ])('%s', async (_what, given, code) => {
    const response = await post({ ...good, args: given }, {}, '?wait=20s');
    // The door may learn to refuse it too; nobody may run it.
    if (response.status === 400) {
      expect((await problemOf(response)).code).toBe('MOLT_BAD_ARGUMENTS');
      return;
    }
    expect(response.status).toBe(200);
    const { state, runs } = (await response.json()) as TaskView;
    expect(state).toBe('failed');
    expect(runs[0]).toMatchObject({ error: { code, remedy: expect.stringMatching(/\w{4,}/) }, stdoutBytes: 0 });
    expect(runs[0]?.exitCode).toBeUndefined();
  });

  test('an identity that is no key, without a word of it', async () => {
    const { body } = await moltbot.api.post('/v1/tasks?wait=20s', { ...good, on: 'far' });
    expect(body).toMatchObject({ state: 'failed', runs: [{ error: { code: 'MOLT_SSH_IDENTITY' } }] });
    expect(JSON.stringify(body)).not.toContain('bm90IGEga2V5');
  });
});

test('odd input that means something is taken as it is', async () => {
  const stdin = { command: 'wc -c', stdin: 'x'.repeat(1_000_000) };
  const nul = { command: 'wc -c', stdin: 'a\0b' };
  const named = { command: 'printf %s "$constructor"', env: { constructor: '$(id); x' } };
  for (const [given, stdout] of [
    [stdin, '1000000\n'],
    [nul, '3\n'],
    [named, '$(id); x'],
  ] as const) {
    const { body } = await moltbot.api.post('/v1/tasks?wait=20s', { ...good, args: given });
    expect(body.runs[0]).toMatchObject({ state: 'succeeded', stdout });
  }
});

test('a body of 50,000 mistakes is answered in a few words', async () => {
  const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, 1]));
  for (const body of [{ ...good, ...many }, args(many)]) {
    const text = await (await post(body)).text();
    expect(text).toContain('49997 more');
    expect(text.length).toBeLessThan(10_000);
  }
});

test('a directory of 1 MB is not said back', async () => {
  const text = await (await post(args({ cwd: `/${'x'.repeat(900_000)}` }), {}, '?wait=20s')).text();
  expect(text).toContain('MOLT_BAD_ARGUMENTS');
  expect(text.length).toBeLessThan(10_000);
});

test('bytes that are no HTTP are answered 400 and cut off', async () => {
  const { port } = new URL(moltbot.api.url);
  const answer = await new Promise<string>((resolve, reject) => {
    let got = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('GARBAGE\r\n\r\n'));
    socket.on('data', (part) => {
      got += String(part);
    });
    socket.once('close', () => resolve(got)).once('error', reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*problem\+json[\s\S]*"code":"MOLT_BAD_REQUEST"/);
  const headers = await moltbot.api.raw('/v1/tasks', { headers: { 'x-long': 'x'.repeat(30_000) } });
  expect([headers.status, ((await headers.json()) as Problem).detail]).toEqual([
    400,
    'the headers are longer than 16 KiB',
  ]);
});

test('after all of it the service works, and its log has no stack trace, no failure and no secret', async () => {
  expect((await moltbot.api.raw('/readyz')).status).toBe(200);
  const { runs } = await moltbot.api.shell('echo still here', 'local,web-*');
  expect(runs.map(({ stdout }) => stdout)).toEqual(['still here\n', 'still here\n', 'still here\n']);

  const log = readFileSync(join(moltbot.directory, 'standalone.log'), 'utf8');
  const records = log.split('\n').filter((line) => line.startsWith('{'));
  expect(records.filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThan(bodies.length);
  expect(records.filter((line) => /"level":"(warn|error|fatal)"/.test(line))).toEqual([]);
  expect(log).not.toMatch(/^ +at |"stack"/m);
  expect(log).not.toContain('bm90IGEga2V5');
  const secrets = [moltbot.api.key, ...Object.values(almost).map((keyOf) => keyOf())].filter((key) =>
    key.includes('_'),
  );
  expect(records.filter((line) => secrets.some((key) => line.includes(key)))).toEqual([]);
  // For the person who started it, once: as a line of its own, and in the line to paste.
  expect(log.split(moltbot.api.key).length - 1).toBe(2);
});
