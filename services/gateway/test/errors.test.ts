import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createLogger, MoltError } from '@moltbot/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFixture, type Fixture, goodKey, problemOf, storeDown } from './fixture.ts';

let gateway: Fixture;
beforeAll(async () => {
  gateway = await createFixture();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const request = { action: 'shell.run', args: {}, on: 'web-1' };

describe('bodies', () => {
  test.each([
    ['{"action": oops}', 'MOLT_BAD_JSON'],
    ['{"action":"a",}', 'MOLT_BAD_JSON'],
    ['{"action":"a","on":"b","__proto__":{"x":1}}', 'MOLT_BAD_JSON'],
    ['', 'MOLT_BAD_REQUEST'],
    ['[]', 'MOLT_BAD_REQUEST'],
    ['"text"', 'MOLT_BAD_REQUEST'],
  ])('refuses %s', async (body, code) => {
    const response = await gateway.post(body);
    expect(response.status).toBe(400);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ code, status: 400, type: `/docs/errors#${code}`, instance: '/v1/tasks' });
    expect(problem['requestId']).toBe(response.headers.get('x-request-id'));
  });

  test('says where JSON is wrong, and never repeats what was sent', async () => {
    const problem = await problemOf(await gateway.post('{\n  "password": "hunter2",\n}'));
    expect(problem['detail']).toBe('the body is not JSON: see line 3, column 1');
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });

  test.each([
    [{ ...request, on: 5 }, [{ path: '/body/on', message: 'expected string, received number' }]],
    [{ action: 'a', args: {} }, [{ path: '/body/on', message: 'is required: expected string' }]],
    [{ ...request, oops: 1 }, [{ path: '/body/oops', message: 'is not a field here' }]],
    [{ ...request, args: [] }, [{ path: '/body/args', message: 'expected record, received array' }]],
    [{ ...request, timeout: 'soon' }, [{ path: '/body/timeout', message: expect.stringContaining('30s') }]],
    [{ ...request, priority: 'asap' }, [{ path: '/body/priority', message: expect.stringContaining('interactive') }]],
  ])('names what does not fit in %o', async (body, errors) => {
    const response = await gateway.post(body);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: 'MOLT_BAD_REQUEST', errors });
  });

  test('names all fields at once', async () => {
    const problem = await problemOf(await gateway.post({}));
    expect(problem['detail']).toBe('/body/action is required: expected string; /body/on is required: expected string');
  });

  test('refuses 2 MB by the length that is announced, and by the length that comes', async () => {
    const big = JSON.stringify({ ...request, args: { command: 'x'.repeat(2_000_000) } });
    const announced = await problemOf(await gateway.post(big));
    expect(announced).toMatchObject({ code: 'MOLT_BODY_TOO_LARGE', status: 413 });
    expect(announced['detail']).toContain('1048576');
    const chunked = await fetch(`${gateway.url}/v1/tasks`, {
      method: 'POST',
      headers: { authorization: goodKey, 'content-type': 'application/json' },
      body: new Blob([big]).stream(),
      duplex: 'half',
    });
    expect(await problemOf(chunked)).toMatchObject({ code: 'MOLT_BODY_TOO_LARGE', status: 413 });
  });

  test.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded'])('refuses %s', async (type) => {
    const response = await gateway.call('/v1/tasks', { method: 'POST', headers: { 'content-type': type }, body: '{}' });
    expect(response.status).toBe(415);
    expect(await problemOf(response)).toMatchObject({ code: 'MOLT_BAD_MEDIA_TYPE' });
  });

  test.each(['has space', 'é', 'x'.repeat(256)])('refuses the idempotency key %s', async (key) => {
    const response = await gateway.post(request, '', { 'idempotency-key': key });
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ errors: [{ path: '/headers/idempotency-key' }] });
  });
});

test('a submission that the intake refuses is told in its words', async () => {
  const places = [{ path: '/args/command', message: 'is required' }];
  const refuse = (): never => {
    throw new MoltError('MOLT_BAD_ARGUMENTS', 'command is required', { places, details: { secret: 'no' } });
  };
  await using other = await createFixture({ intake: { submit: refuse } });
  const response = await other.post(request);
  const problem = await problemOf(response);
  expect(problem).toMatchObject({
    code: 'MOLT_BAD_ARGUMENTS',
    detail: 'command is required',
    errors: [{ path: '/body/args/command' }],
  });
  expect(JSON.stringify(problem)).not.toContain('secret');
});

describe('query parameters', () => {
  const id = '00000000-0000-7000-8000-000000000000';
  test.each([
    ['GET', '/v1/tasks?states=failed', 'states'],
    ['POST', '/v1/tasks?wiat=5s', 'wiat'],
    ['GET', `/v1/tasks/${id}?verbose=1`, 'verbose'],
    ['POST', `/v1/tasks/${id}/cancel?force=1`, 'force'],
    ['POST', `/v1/tasks/${id}/runs/0/resolve?as=done`, 'as'],
    ['GET', `/v1/tasks/${id}/output?streams=stderr`, 'streams'],
    ['GET', `/v1/tasks/${id}/data?path=cpu`, 'path'],
    ['GET', `/v1/tasks/${id}/events?from=3`, 'from'],
    ['GET', '/v1/targets?selector=all', 'selector'],
    ['GET', '/v1/actions?name=x', 'name'],
    ['GET', '/v1/dead-letters?tenant=other', 'tenant'],
    ['GET', '/v1/dead-letters/x?raw=1', 'raw'],
  ])('%s %s is refused, and the slip is named', async (method, path, parameter) => {
    const body = method === 'POST' ? JSON.stringify(path.includes('/resolve') ? { as: 'done' } : request) : undefined;
    const headers = { 'content-type': 'application/json' };
    const response = await gateway.call(path, body === undefined ? {} : { method, headers, body });
    expect(response.status).toBe(400);
    const { code, errors } = await problemOf(response);
    expect(code).toBe('MOLT_BAD_REQUEST');
    expect(errors).toContainEqual({ path: `/query/${parameter}`, message: 'is not a parameter here' });
  });
});

test('keys: none, wrong, and no work is done for either', async () => {
  const before = gateway.submissions.length;
  const none = await fetch(`${gateway.url}/v1/tasks`, { method: 'POST', body: '{' });
  expect(none.status).toBe(401);
  expect(none.headers.get('www-authenticate')).toBe('Bearer');
  expect(await problemOf(none)).toMatchObject({ code: 'MOLT_KEY_MISSING' });
  for (const path of [
    '/v1/tasks',
    '/v1/targets',
    '/v1/actions',
    '/v1/tasks/x',
    '/v1/tasks/x/output',
    '/v1/tasks/x/data',
    '/v1/tasks/x/events',
  ]) {
    const wrong = await gateway.call(path, { headers: { authorization: 'Bearer wrong' } });
    expect(await problemOf(wrong), path).toMatchObject({ code: 'MOLT_KEY_WRONG', status: 401 });
  }
  expect(gateway.submissions.length).toBe(before);
});

test('the rate is told on every answer, and kept', async () => {
  const ok = await gateway.call('/v1/actions');
  expect(ok.headers.get('ratelimit-remaining')).toBe('41');
  expect(ok.headers.get('ratelimit-reset')).toBe('2');
  const admit = async () => ({ allowed: false, remaining: 0, retryAfterMs: 1_200, resetMs: 9_000 });
  await using busy = await createFixture({ intake: { admit } });
  const refused = await busy.post(request);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('2');
  expect(refused.headers.get('ratelimit-remaining')).toBe('0');
  expect(await problemOf(refused)).toMatchObject({ code: 'MOLT_RATE_LIMITED' });
  expect(busy.submissions).toEqual([]);
});

test('a store that is down is a 503 with a time to come back', async () => {
  await using down = await createFixture({ reader: (store) => ({ ...store, listTasks: storeDown }) });
  const response = await down.call('/v1/tasks');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(await problemOf(response)).toMatchObject({ code: 'MOLT_STORE_DOWN' });
});

test('a defect tells nothing outside, and all in the log; the key is never logged', async () => {
  const lines: string[] = [];
  const log = createLogger({ service: 'gateway', level: 'debug', destination: { write: (line) => lines.push(line) } });
  const fail = (): never => {
    throw new TypeError('password of the database is hunter2');
  };
  await using broken = await createFixture({ log, intake: { actions: fail } });
  const response = await broken.call('/v1/actions', { headers: { 'x-request-id': 'find-me' } });
  expect(response.status).toBe(500);
  const problem = await problemOf(response);
  expect(problem).toMatchObject({ code: 'MOLT_INTERNAL', requestId: 'find-me' });
  expect(JSON.stringify(problem)).not.toContain('hunter2');
  const logged = lines.map((line) => JSON.parse(line)).find((line) => line.msg === 'a request failed');
  expect(logged).toMatchObject({ requestId: 'find-me', err: { type: 'TypeError' } });
  expect(logged.err.stack).toContain('errors.test.ts');
  expect(lines.join('')).not.toContain(goodKey);
});

test('an answer that does not fit its schema is a defect, not a surprise', async () => {
  const rotten = () => [{ name: 5 }] as never;
  await using broken = await createFixture({ intake: { targets: rotten } });
  const response = await broken.call('/v1/targets');
  expect(await problemOf(response)).toMatchObject({ code: 'MOLT_INTERNAL', status: 500 });
});

test.each([
  ['GET', '/nowhere'],
  ['GET', '/v1/nowhere'],
  ['DELETE', '/v1/tasks'],
  ['GET', '/v1/tasks/%'],
])('%s %s is a problem too', async (method, path) => {
  const response = await gateway.call(path, { method });
  expect(response.status).toBe(path.endsWith('%') ? 400 : 404);
  await problemOf(response);
});

test('bytes that are no HTTP are answered and the connection closed', async () => {
  const socket = connect(gateway.gateway.port(), '127.0.0.1');
  socket.end('NONSENSE\r\n\r\n');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
});
