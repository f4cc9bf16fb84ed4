import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFixture, type Fixture, otherKey, problemOf } from './fixture.ts';

const request = { action: 'shell.run', args: { command: 'uptime' }, on: 'web-1' };

let gateway: Fixture;
beforeAll(async () => {
  gateway = await createFixture();
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('POST /v1/tasks', () => {
  test('accepts a task and says where to look', async () => {
    const response = await gateway.post(request);
    expect(response.status).toBe(202);
    const { id, state, links } = (await response.json()) as {
      id: string;
      state: string;
      links: Record<string, string>;
    };
    expect(state).toBe('queued');
    expect(response.headers.get('location')).toBe(`/v1/tasks/${id}`);
    expect(links).toEqual({
      self: `/v1/tasks/${id}`,
      output: `/v1/tasks/${id}/output`,
      events: `/v1/tasks/${id}/events`,
    });
    expect(await gateway.store.getTask('acme', id)).toMatchObject({ state: 'queued', task: { on: 'web-1' } });
  });

  test('gives the same task for the same key and body, and refuses another body', async () => {
    const headers = { 'idempotency-key': 'deploy-1' };
    const first = await gateway.post(request, '', headers);
    const second = await gateway.post(request, '', headers);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.status).toBe(202);
    expect(((await second.json()) as { id: string }).id).toBe(((await first.json()) as { id: string }).id);
    const third = await gateway.post({ ...request, on: 'web-2' }, '', headers);
    expect(third.status).toBe(409);
    expect(await problemOf(third)).toMatchObject({ code: 'MOLT_IDEMPOTENCY_CONFLICT' });
  });

  test('a replay of a task that has ended tells its state, or all of it when it waits', async () => {
    const headers = { 'idempotency-key': 'deploy-2' };
    const { id } = (await (await gateway.post(request, '', headers)).json()) as { id: string };
    await (await gateway.run(id)).finish();
    expect(await (await gateway.post(request, '', headers)).json()).toMatchObject({ id, state: 'succeeded' });
    const waited = await gateway.post(request, '?wait=5s', headers);
    expect(waited.status).toBe(200);
    expect(waited.headers.get('idempotency-replayed')).toBe('true');
    expect(await waited.json()).toMatchObject({ id, state: 'succeeded', runs: [{ exitCode: 0 }] });
  });

  test('hands the request id and a valid trace to the intake, and makes up for bad ones', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { 'x-request-id': 'my-request', traceparent: `00-${trace}-00f067aa0ba902b7-01` };
    const response = await gateway.post(request, '', headers);
    expect(response.headers.get('x-request-id')).toBe('my-request');
    expect(gateway.submissions.at(-1)).toMatchObject({ trace, origin: { kind: 'http', requestId: 'my-request' } });
    const odd = await gateway.post(request, '', {
      'x-request-id': 'a b',
      traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(gateway.submissions.at(-1)?.trace).toBeUndefined();
  });
});

describe('GET /v1/tasks/:id', () => {
  test('shows the runs with the end of their output', async () => {
    const id = await gateway.task('web-1 web-2');
    const one = await gateway.run(id, 0);
    await one.append('stdout', `${'é'.repeat(40_000)}!`);
    await one.append('stderr', Buffer.from([0x61, 0xff, 0x62]));
    await one.finish({ state: 'failed', exitCode: 3, truncated: true });
    const two = await gateway.run(id, 1);
    await two.finish({
      state: 'failed',
      signal: 'KILL',
      error: { code: 'MOLT_RUN_TIMEOUT', message: 'm', remedy: 'r' },
    });
    const response = await gateway.call(`/v1/tasks/${id}`);
    const task = (await response.json()) as { runs: { stdout: string }[] };
    expect(task).toMatchObject({
      ...{ id, state: 'failed', action: 'shell.run', on: 'web-1 web-2' },
      ...{ acceptedAt: expect.stringMatching(/Z$/), finishedAt: expect.stringMatching(/Z$/) },
      runs: [
        {
          ...{ id: `${id}.0`, target: 'web-1', state: 'failed', exitCode: 3, truncated: true, attempts: 1 },
          ...{ stdoutBytes: 80_001, stderr: 'a\u{fffd}b', stderrBytes: 3, finishedAt: expect.stringMatching(/Z$/) },
        },
        { target: 'web-2', signal: 'KILL', stdout: '', error: { code: 'MOLT_RUN_TIMEOUT', message: 'm', remedy: 'r' } },
      ],
    });
    expect(task.runs[1]).not.toHaveProperty('truncated');
    expect(task.runs[1]).not.toHaveProperty('exitCode');
    // 64 KiB from the end falls inside a character; the half of it is left out.
    expect(task.runs[0]?.stdout).toBe(`${'é'.repeat(32_767)}!`);
  });

  test('shortens the ends when a task has many runs, so that an answer stays below 8 MiB', async () => {
    const id = await gateway.task('256 hosts');
    await (await gateway.run(id)).append('stdout', 'x'.repeat(40_000));
    const { runs } = (await (await gateway.call(`/v1/tasks/${id}`)).json()) as {
      runs: { stdout: string; target: string }[];
    };
    expect(runs).toHaveLength(256);
    expect(runs[255]?.target).toBe('web-255');
    expect(runs[0]).toMatchObject({ stdoutBytes: 40_000, stdout: 'x'.repeat(16 * 1_024) });
  });

  test('shows what the action gave as data', async () => {
    const id = await gateway.task('web-1 web-2 web-3');
    const data = { disks: [{ mount: '/ü', usedPercent: 93.5 }], warnings: [], swap: null };
    await (await gateway.run(id, 0)).finish({ state: 'succeeded', exitCode: 0, data });
    await (await gateway.run(id, 1)).finish({ state: 'failed', exitCode: 1, data: null });
    await (await gateway.run(id, 2)).finish();
    const { runs } = (await (await gateway.call(`/v1/tasks/${id}`)).json()) as { runs: Record<string, unknown>[] };
    expect(runs[0]?.['data']).toStrictEqual(data);
    expect(runs[1]).toMatchObject({ state: 'failed', data: null });
    expect(runs[2]).not.toHaveProperty('data');
    for (const run of runs) expect(run).not.toHaveProperty('dataOmitted');
    const one = await gateway.call(`/v1/tasks/${id}/data?target=web-1`);
    expect(await one.json()).toStrictEqual({ run: `${id}.0`, target: 'web-1', state: 'succeeded', data });
    const none = await gateway.call(`/v1/tasks/${id}/data?run=${id}.2`);
    expect(await none.json()).toStrictEqual({ run: `${id}.2`, target: 'web-3', state: 'succeeded' });
    expect((await gateway.call(`/v1/tasks/${id}/data`)).status).toBe(400);
    expect((await gateway.call(`/v1/tasks/${id}/data?target=web-9`)).status).toBe(404);
  });

  test('leaves the data of some runs out when all of it would be a giant answer', async () => {
    const id = await gateway.task('200 hosts');
    const finish = async (index: number, data: string) =>
      (await gateway.run(id, index)).finish({ state: 'succeeded', data });
    const large = 'x'.repeat(65_000);
    for (let index = 0; index < 150; index++) await finish(index, index % 3 === 0 ? 'small' : large);
    const shown = async () =>
      (await (await gateway.call(`/v1/tasks/${id}`)).json()) as { runs: { data?: string; dataOmitted?: true }[] };
    const all = await shown();
    expect([all.runs[0]?.data, all.runs[1]?.data]).toEqual(['small', large]);
    for (let index = 150; index < 200; index++) await finish(index, large);
    const { runs } = await shown();
    expect(runs.filter(({ data }) => data === 'small')).toHaveLength(50);
    expect(runs.filter(({ data, dataOmitted }) => data === undefined && dataOmitted)).toHaveLength(150);
    const one = await gateway.call(`/v1/tasks/${id}/data?run=${id}.199`);
    expect(await one.json()).toMatchObject({ data: large });
  });

  test('knows no id that is absent, malformed, or another tenant’s', async () => {
    const id = await gateway.task();
    const asOther = { headers: { authorization: otherKey } };
    for (const [path, init] of [
      ['/v1/tasks/00000000-0000-7000-8000-000000000000', {}],
      ['/v1/tasks/..%2f..%2fkeys', {}],
      [`/v1/tasks/${id}`, asOther],
      [`/v1/tasks/${id}/output`, asOther],
      [`/v1/tasks/${id}/data`, asOther],
      [`/v1/tasks/${id}/events`, asOther],
      [`/v1/tasks/${id}/cancel`, { ...asOther, method: 'POST' }],
    ] as const) {
      const response = await gateway.call(path, init);
      expect(response.status, path).toBe(404);
      expect(await problemOf(response)).toMatchObject({ code: 'MOLT_NOT_FOUND' });
    }
    expect((await gateway.store.getTask('acme', id))?.state).toBe('queued');
  });
});

describe('POST /v1/tasks/:id/cancel', () => {
  test('asks for the cancel, and says so when there is nothing left to cancel', async () => {
    const id = await gateway.task();
    const cancel = () =>
      gateway.call(`/v1/tasks/${id}/cancel`, { method: 'POST', headers: { 'content-type': 'application/json' } });
    const first = await cancel();
    expect(first.status).toBe(202);
    expect(await first.json()).toEqual({ id, state: 'cancelled' });
    const second = await cancel();
    expect(second.status).toBe(409);
    expect(await problemOf(second)).toMatchObject({ code: 'MOLT_TASK_FINAL', state: 'cancelled' });
  });
});

describe('what a task was asked with', () => {
  const secret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;

  test('its class and the address of its callback are shown, the secret never', async () => {
    const callback = { url: 'https://example.com/hook', secret };
    const { id } = (await (await gateway.post({ ...request, class: 'at-most-once', callback })).json()) as {
      id: string;
    };
    expect(gateway.submissions.at(-1)?.request).toMatchObject({ class: 'at-most-once', callback });
    const shown = await (await gateway.call(`/v1/tasks/${id}`)).text();
    expect(JSON.parse(shown)).toMatchObject({ class: 'at-most-once', callback: { url: 'https://example.com/hook' } });
    const listed = await (await gateway.call('/v1/tasks?limit=1')).text();
    expect(JSON.parse(listed)).toMatchObject({ tasks: [{ id, class: 'at-most-once' }] });
    const events = await (await gateway.call(`/v1/tasks/${id}/cancel`, { method: 'POST' })).text();
    for (const text of [shown, listed, events]) expect(text).not.toContain(secret.slice(6));
  });

  test('a secret that is none is refused and not repeated', async () => {
    const callback = { url: 'https://example.com/hook', secret: 'hunter22' };
    const problem = await problemOf(await gateway.post({ ...request, callback }));
    expect(problem).toMatchObject({ code: 'MOLT_BAD_REQUEST', errors: [{ path: '/body/callback/secret' }] });
    expect(JSON.stringify(problem)).not.toContain('hunter22');
  });

  test.each([
    [{ class: 'maybe' }, '/body/class'],
    [{ retries: 11 }, '/body/retries'],
    [{ deadline: 5 }, '/body/deadline'],
    [{ callback: { url: 'ftp://example.com', secret } }, '/body/callback/url'],
  ])('%j does not fit', async (more, path) => {
    expect(await problemOf(await gateway.post({ ...request, ...more }))).toMatchObject({ errors: [{ path }] });
  });
});

describe('attempts', () => {
  test('those before this one are shown, and when the next is made', async () => {
    const id = await gateway.task();
    const first = await gateway.run(id);
    await first.append('stdout', 'abc');
    await first.retry();
    const waiting = (await (await gateway.call(`/v1/tasks/${id}`)).json()) as { runs: { retryAt: string }[] };
    const note = {
      attempt: 1,
      error: { code: 'MOLT_SSH_LOST', message: 'm', remedy: 'r' },
      stdoutBytes: 3,
      stderrBytes: 0,
    };
    expect(waiting).toMatchObject({
      runs: [{ state: 'queued', attempts: 1, history: [{ ...note, endedAt: expect.stringMatching(/Z$/) }] }],
    });
    expect(Date.parse(waiting.runs[0]?.retryAt ?? '')).toBeGreaterThan(Date.now());
    await (await gateway.run(id)).finish();
    const { runs } = (await (await gateway.call(`/v1/tasks/${id}`)).json()) as { runs: object[] };
    expect(runs).toMatchObject([{ state: 'succeeded', attempts: 2, history: [note] }]);
    expect(runs[0]).not.toHaveProperty('retryAt');
  });
});

describe('POST /v1/tasks/:id/runs/:index/resolve', () => {
  const resolve = (id: string, index: number | string, body: unknown): Promise<Response> =>
    gateway.call(`/v1/tasks/${id}/runs/${index}/resolve`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  async function unknownRun(): Promise<string> {
    const id = await gateway.task();
    await (await gateway.run(id)).finish({ state: 'unknown' });
    return id;
  }

  test('notes what was found out, once, and shows it', async () => {
    const id = await unknownRun();
    const first = await resolve(id, 0, { as: 'done', note: 'it is there' });
    expect([first.status, await first.json()]).toEqual([200, { run: `${id}.0`, as: 'done' }]);
    const { runs } = (await (await gateway.call(`/v1/tasks/${id}`)).json()) as { runs: { resolution: object }[] };
    expect(runs[0]).toMatchObject({ state: 'unknown' });
    const at = expect.stringMatching(/^2\d{3}-.*Z$/);
    expect(runs[0]?.resolution).toEqual({ as: 'done', by: 'key:1', note: 'it is there', at });
    const second = await resolve(id, 0, { as: 'rerun' });
    expect([second.status, (await problemOf(second))['code']]).toEqual([409, 'MOLT_NOT_UNKNOWN']);
  });

  test('a rerun names its task', async () => {
    const id = await unknownRun();
    const { taskId } = (await (await resolve(id, 0, { as: 'rerun' })).json()) as { taskId: string };
    const shown = await (await gateway.call(`/v1/tasks/${id}`)).json();
    expect(shown).toMatchObject({ runs: [{ resolution: { as: 'rerun', taskId } }] });
  });

  test.each([
    [0, { as: 'gone' }, '/body/as'],
    [0, {}, '/body/as'],
    [0, { as: 'done', note: '' }, '/body/note'],
    [0, { as: 'done', why: 'x' }, '/body/why'],
    ['1e1', { as: 'done' }, '/path/index'],
    ['-1', { as: 'done' }, '/path/index'],
  ])('%s with %j is refused', async (index, body, path) => {
    const problem = await problemOf(await resolve(await unknownRun(), index, body));
    expect(problem).toMatchObject({ code: 'MOLT_BAD_REQUEST', errors: [{ path }] });
  });

  test('what is not there is not found', async () => {
    const id = await unknownRun();
    for (const [task, index] of [
      ['x', 0],
      ['00000000-0000-7000-8000-000000000000', 0],
      [id, 1],
    ] as const) {
      expect((await problemOf(await resolve(task, index, { as: 'done' })))['code']).toBe('MOLT_NOT_FOUND');
    }
  });
});

describe('GET /v1/tasks', () => {
  interface Page {
    tasks: { id: string; state: 'queued'; action: string }[];
    cursor?: string;
  }
  const list = async (query: string): Promise<Page> =>
    (await (await gateway.call(`/v1/tasks?${query}`)).json()) as Page;

  test('pages through all tasks, newest first, each once', async () => {
    const ids = [];
    for (let n = 0; n < 5; n += 1) ids.unshift(await gateway.task());
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page: Page = await list(`limit=2${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
      seen.push(...page.tasks.map((task) => task.id));
      cursor = page.cursor;
    } while (cursor);
    expect(seen.slice(0, 5)).toEqual(ids);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('filters by state in both spellings, by action and by time', async () => {
    const before = new Date().toISOString();
    const id = await gateway.task();
    await (await gateway.run(id)).finish();
    const commas = await list(`state=succeeded,failed&since=${before}`);
    expect(commas.tasks.map((task) => task.id)).toEqual([id]);
    expect(commas.tasks[0]).toMatchObject({ counts: { succeeded: 1 }, on: 'web-1' });
    expect(await list(`state=succeeded&state=failed&since=${before}`)).toEqual(commas);
    expect((await list(`state=failed&since=${before}`)).tasks).toEqual([]);
    expect((await list(`action=no.such&since=${before}`)).tasks).toEqual([]);
    expect((await list(`since=${before}&until=${before}`)).tasks).toEqual([]);
  });

  test.each([
    ['state=sleeping', '/query/state'],
    ['limit=0', '/query/limit'],
    ['limit=201', '/query/limit'],
    ['limit=ten', '/query/limit'],
    ['since=yesterday', '/query/since'],
    ['cursor=nonsense', '/cursor'],
  ])('refuses ?%s', async (query, place) => {
    const response = await gateway.call(`/v1/tasks?${query}`);
    expect(response.status).toBe(400);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ code: 'MOLT_BAD_REQUEST' });
    expect(JSON.stringify(problem['errors'])).toContain(place);
  });
});

test('targets and actions are shown without what is internal', async () => {
  const targets = await (await gateway.call('/v1/targets')).json();
  expect(targets).toEqual({
    targets: [
      {
        ...{ name: 'web-1', labels: { env: 'test' }, transport: 'ssh', pool: 'default' },
        ...{ host: '127.0.0.1', port: 22, user: 'root' },
      },
      { name: 'here', labels: {}, transport: 'local', pool: 'default' },
    ],
  });
  expect((await gateway.call('/v1/targets?on=nothing')).status).toBe(404);
  expect(await (await gateway.call('/v1/actions')).json()).toMatchObject({
    actions: [
      {
        ...{ name: 'shell.run', args: { type: 'object', properties: { command: { type: 'string' } } } },
        data: { type: 'object', properties: { load: { type: 'number', description: 'Of the last minute.' } } },
      },
    ],
  });
});
