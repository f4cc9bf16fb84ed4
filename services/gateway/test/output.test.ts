import { createLogger } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFixture, type Fixture, problemOf } from './fixture.ts';

let gateway: Fixture;
beforeAll(async () => {
  gateway = await createFixture();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * 31) % 256));
const read = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

async function finishedTask(): Promise<string> {
  const id = await gateway.task();
  const run = await gateway.run(id);
  await run.append('stdout', bytes);
  await run.append('stderr', 'warning: ä');
  await run.finish();
  return id;
}

test('gives every byte of the stream asked for', async () => {
  const id = await finishedTask();
  const stdout = await gateway.call(`/v1/tasks/${id}/output`);
  expect(stdout.status).toBe(200);
  expect(stdout.headers.get('content-type')).toBe('application/octet-stream');
  expect(stdout.headers.get('content-length')).toBe('700000');
  expect(stdout.headers.get('accept-ranges')).toBe('bytes');
  expect(stdout.headers.get('x-molt-run-state')).toBe('succeeded');
  expect(stdout.headers.get('x-molt-complete')).toBe('true');
  expect((await read(stdout)).equals(bytes)).toBe(true);
  const stderr = await gateway.call(`/v1/tasks/${id}/output?stream=stderr&target=web-1`, {
    headers: { accept: 'text/plain' },
  });
  expect(stderr.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await stderr.text()).toBe('warning: ä');
});

test('gives what is there of a run that goes on, and the rest later', async () => {
  const id = await gateway.task();
  const run = await gateway.run(id);
  const empty = await gateway.call(`/v1/tasks/${id}/output`);
  expect([empty.status, await empty.text()]).toEqual([200, '']);
  await run.append('stdout', 'one');
  const first = await gateway.call(`/v1/tasks/${id}/output`);
  expect(first.headers.get('x-molt-complete')).toBe('false');
  expect(first.headers.get('x-molt-run-state')).toBe('running');
  expect(await first.text()).toBe('one');
  await run.append('stdout', 'two');
  const rest = await gateway.call(`/v1/tasks/${id}/output`, { headers: { range: 'bytes=3-' } });
  expect([rest.status, await rest.text()]).toEqual([206, 'two']);
});

describe('ranges', () => {
  let path: string;
  beforeAll(async () => {
    path = `/v1/tasks/${await finishedTask()}/output`;
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=699990-', 699_990, 700_000],
    ['bytes=-5', 699_995, 700_000],
    ['bytes=-9999999', 0, 700_000],
    ['bytes=262100-524300', 262_100, 524_301],
    ['bytes=5-9999999', 5, 700_000],
  ])('%s', async (range, from, to) => {
    const response = await gateway.call(path, { headers: { range } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/700000`);
    expect(response.headers.get('content-length')).toBe(String(to - from));
    expect((await read(response)).equals(bytes.subarray(from, to))).toBe(true);
  });

  test.each(['bytes=700000-', 'bytes=9-3', 'bytes=-0', 'bytes=-', 'bytes=a-b', 'bytes=1'])(
    'refuses %s',
    async (range) => {
      const response = await gateway.call(path, { headers: { range } });
      expect(response.status).toBe(416);
      expect(response.headers.get('content-range')).toBe('bytes */700000');
      expect(await problemOf(response)).toMatchObject({ code: 'MOLT_RANGE' });
    },
  );

  test.each([[{ range: 'lines=1-2' }], [{ range: 'bytes=0-1,4-5' }], [{ range: 'bytes=0-1', 'if-range': '"etag"' }]])(
    'ignores %o, as RFC 9110 lets it',
    async (headers) => {
      const response = await gateway.call(path, { headers });
      expect(response.status).toBe(200);
      expect((await read(response)).length).toBe(700_000);
    },
  );
});

test('a task of several runs asks for a target by name', async () => {
  const id = await gateway.task('web-1 web-2');
  await (await gateway.run(id, 1)).append('stdout', 'from two');
  const vague = await gateway.call(`/v1/tasks/${id}/output`);
  expect(vague.status).toBe(400);
  expect((await problemOf(vague))['detail']).toContain('web-1, web-2');
  expect(await (await gateway.call(`/v1/tasks/${id}/output?target=web-2`)).text()).toBe('from two');
  expect(await (await gateway.call(`/v1/tasks/${id}/output?run=${id}.1`)).text()).toBe('from two');
  const wrong = await gateway.call(`/v1/tasks/${id}/output?target=web-3`);
  expect(wrong.status).toBe(404);
  expect((await problemOf(wrong))['detail']).toContain('web-1, web-2');
  expect((await gateway.call(`/v1/tasks/${id}/output?target=web-2&stream=stdin`)).status).toBe(400);
});

test('reads from the store as fast as the client does, in pages', async () => {
  const total = 64 * 1_024 * 1_024;
  let handedOut = 0;
  let largest = 0;
  await using slow = await createFixture({
    reader: (store) => ({
      ...store,
      readOutput: async (_tenant, _run, _stream, offset, maxBytes) => {
        handedOut += maxBytes;
        largest = Math.max(largest, maxBytes);
        return { data: Buffer.alloc(maxBytes, 'x'), offset, total };
      },
    }),
  });
  const id = await slow.task();
  const response = await slow.call(`/v1/tasks/${id}/output`);
  let taken = 0;
  let ahead = 0;
  for await (const chunk of response.body ?? []) {
    taken += chunk.length;
    ahead = Math.max(ahead, handedOut - taken);
    // A turn of the event loop a chunk: a reader slower than the store.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(taken).toBe(total);
  expect(largest).toBeLessThanOrEqual(256 * 1_024);
  // The socket buffers of the kernel on both sides, and a page or two.
  expect(ahead).toBeLessThan(24 * 1_024 * 1_024);
});

test('breaks the connection when the output goes away meanwhile, and says so when it is gone before', async () => {
  let pages = 0;
  const total = 10 * 1_024 * 1_024;
  const lines: string[] = [];
  await using fading = await createFixture({
    log: createLogger({ service: 'gateway', destination: { write: (line) => lines.push(line) } }),
    reader: (store) => ({
      ...store,
      readOutput: async (_tenant, _run, _stream, offset, maxBytes) => {
        pages += 1;
        return pages > 3 ? undefined : { data: Buffer.alloc(maxBytes), offset, total };
      },
    }),
  });
  const id = await fading.task();
  const run = await fading.run(id);
  await run.append('stdout', 'x');
  const response = await fading.call(`/v1/tasks/${id}/output`);
  await expect(response.arrayBuffer()).rejects.toThrow();
  await eventually('the log line', () => lines.some((line) => line.includes('a response broke off')));
  const gone = await fading.call(`/v1/tasks/${id}/output`);
  expect(gone.status).toBe(404);
  expect((await problemOf(gone))['detail']).toContain('past their retention');
});
