import { connect } from 'node:net';
import { systemClock } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { createFixture, type Fixture, type FixtureOptions, goodKey, problemOf, storeDown } from './fixture.ts';
import { allMessages, bytesOf, isMessage, type Message, readEvents } from './sse-client.ts';

let gateway: Fixture;
const start = async (options: FixtureOptions = {}): Promise<Fixture> => {
  gateway = await createFixture(options);
  return gateway;
};
afterEach(() => gateway[Symbol.asyncDispose]());

const follow = (id: string, lastEventId?: string): Promise<Response> =>
  gateway.call(`/v1/tasks/${id}/events`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });

/** A task of two runs whose output has whole text, split characters, bytes that are no text, and more than one message. */
async function eventfulTask(): Promise<{ id: string; stdout: Buffer }> {
  const id = await gateway.task('web-1 web-2');
  const one = await gateway.run(id, 0);
  const euro = Buffer.from('€');
  const parts = [
    'hello\n\ndata: no\n',
    euro.subarray(0, 1),
    euro.subarray(1),
    Buffer.from([0, 0xff]),
    '€'.repeat(50_000),
  ];
  for (const part of parts) await one.append('stdout', part);
  const two = await gateway.run(id, 1);
  await two.append('stderr', 'oh');
  await two.finish({ state: 'failed', exitCode: 2 });
  await one.finish();
  return { id, stdout: Buffer.concat(parts.map((part) => Buffer.from(part))) };
}

test('tells all that happened, with the bytes of the output, and ends', async () => {
  await start();
  const { id, stdout } = await eventfulTask();
  const response = await follow(id);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  expect(response.headers.get('connection')).toBe('close');
  const messages = await allMessages(response);
  const output = messages.filter(({ event, data }) => event === 'output' && data['run'] === `${id}.0`);
  expect(Buffer.concat(output.map(bytesOf)).equals(stdout)).toBe(true);
  expect(output[0]?.data).toMatchObject({ target: 'web-1', stream: 'stdout', offset: 0, text: 'hello\n\ndata: no\n' });
  expect(output.filter(({ data }) => 'base64' in data)).toHaveLength(3);
  // 150 000 bytes of three each: three messages, all of them text.
  expect(output.slice(-3).every(({ data }) => typeof data['text'] === 'string')).toBe(true);
  expect(messages).toContainEqual(
    expect.objectContaining({
      event: 'run',
      data: expect.objectContaining({ run: `${id}.1`, target: 'web-2', state: 'failed', exitCode: 2 }),
    }),
  );
  expect(messages.at(-2)).toMatchObject({ event: 'task', data: { state: 'failed' } });
  expect(messages.at(-1)).toEqual({ event: 'end', data: { state: 'failed' } });
});

test('tells when another attempt is made, and what a person found out', async () => {
  await start();
  const id = await gateway.task();
  await (await gateway.run(id)).retry();
  await (await gateway.run(id)).finish({ state: 'unknown' });
  await gateway.store.resolveRun('acme', `${id}.0`, { as: 'done', by: 'key:1', at: Date.now(), note: 'n' });
  const messages = await allMessages(await follow(id));
  const about = { run: `${id}.0`, target: 'web-1' };
  const retried = messages.filter(({ data }) => 'retryAt' in data);
  expect(retried).toMatchObject([{ event: 'run', data: { ...about, state: 'queued' } }]);
  expect(Date.parse(String(retried[0]?.data['retryAt']))).toBeGreaterThan(Date.now());
  expect(messages.at(-2)).toMatchObject({ event: 'resolved', data: { ...about, as: 'done', by: 'key:1' } });
  expect(messages.at(-1)).toEqual({ event: 'end', data: { state: 'unknown' } });
});

test('cut behind any event, a resumed stream says the rest and nothing else', async () => {
  await start();
  const { id } = await eventfulTask();
  const messages = await allMessages(await follow(id));
  for (const [index, message] of messages.entries()) {
    if (message.id === undefined) continue;
    expect(await allMessages(await follow(id, message.id)), message.id).toEqual(messages.slice(index + 1));
  }
  const byQuery = await gateway.call(`/v1/tasks/${id}/events?after=${messages[1]?.id}`);
  expect(await allMessages(byQuery)).toEqual(messages.slice(2));
});

test('a reader that breaks off again and again while the task runs gets every byte once', async () => {
  await start();
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 12 });
  const patience = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(pieces, patience, async (chunks, cuts) => {
      const id = await gateway.task();
      const executor = gateway.run(id).then(async (run) => {
        for (const chunk of chunks) await run.append('stdout', Buffer.from(chunk));
        await run.finish();
      });
      const seen: Message[] = [];
      for (let round = 0; seen.at(-1)?.event !== 'end'; round += 1) {
        await readSome(await follow(id, seen.findLast((message) => message.id)?.id), seen, cuts[round] ?? Infinity);
      }
      await executor;
      expect(new Set(seen.map((message) => message.id)).size).toBe(seen.length);
      const output = seen.filter(({ event }) => event === 'output');
      expect(Buffer.concat(output.map(bytesOf))).toEqual(Buffer.concat(chunks));
    }),
    { numRuns: 25 },
  );
});

async function readSome(response: Response, into: Message[], limit: number): Promise<void> {
  let count = 0;
  for await (const said of readEvents(response)) {
    if (!isMessage(said)) continue;
    into.push(said);
    count += 1;
    if (count >= limit) return;
  }
}

test('is live: an event arrives while the task runs', async () => {
  await start();
  const id = await gateway.task();
  const run = await gateway.run(id);
  const reader = readEvents(await follow(id));
  await run.append('stdout', 'first');
  for await (const said of reader) if (isMessage(said) && said.data['text'] === 'first') break;
});

test('beats every 15 s of silence', async () => {
  const fast = { ...systemClock, monotonic: () => performance.now() * 30 };
  await start({ clock: fast });
  const id = await gateway.task();
  const reader = readEvents(await follow(id));
  const comments: string[] = [];
  for await (const said of reader) {
    if (!isMessage(said)) comments.push(said.comment);
    if (comments.length === 2) break;
  }
  expect(comments).toEqual(['still here', 'still here']);
});

test('a client that leaves releases its watch', async () => {
  let watches = 0;
  await start({ reader: (store) => ({ ...store, watchTask: counted(store.watchTask, (by) => (watches += by)) }) });
  const id = await gateway.task();
  const leave = new AbortController();
  const response = await gateway.call(`/v1/tasks/${id}/events`, { signal: leave.signal });
  await eventually('the watch', () => watches === 1);
  leave.abort();
  await response.text().catch(() => {});
  await eventually('its release', () => watches === 0);
  expect(await gateway.registry.metrics()).toMatch(/moltbot_event_streams_open\{[^}]*\} 0/);
});

function counted<A extends unknown[]>(watch: (...args: A) => () => void, count: (by: number) => void) {
  return (...args: A): (() => void) => {
    count(1);
    const end = watch(...args);
    return () => {
      count(-1);
      end();
    };
  };
}

test('a stopping gateway ends the stream without `end`, and opens no other', async () => {
  await start();
  const id = await gateway.task();
  const response = await follow(id);
  const messages = allMessages(response);
  await gateway.gateway.quiesce(AbortSignal.timeout(10_000));
  expect((await messages).map(({ event }) => event)).not.toContain('end');
});

test('keeps the stream open while the store is down, and goes on where it was', async () => {
  let down = false;
  await start({
    reader: (store) => ({ ...store, readEvents: (...args) => (down ? storeDown() : store.readEvents(...args)) }),
  });
  const id = await gateway.task();
  const run = await gateway.run(id);
  await run.append('stdout', 'before');
  const seen: Message[] = [];
  for await (const said of readEvents(await follow(id))) {
    if (!isMessage(said)) continue;
    seen.push(said);
    if (said.data['text'] === 'before') {
      down = true;
      await run.append('stdout', 'after');
      await run.finish();
      setTimeout(() => (down = false), 50);
    }
  }
  const texts = seen.filter(({ event }) => event === 'output').map(({ data }) => data['text']);
  expect(texts).toEqual(['before', 'after']);
  expect(seen.at(-1)?.event).toBe('end');
});

test('says which bytes are gone when the output is past its retention', async () => {
  await start({ reader: (store) => ({ ...store, readOutput: async () => undefined }) });
  const { id } = await eventfulTask();
  const output = (await allMessages(await follow(id))).find(({ event }) => event === 'output');
  expect(output?.data).toMatchObject({ offset: 0, missingBytes: 16 });
});

test('reads no further than a client that does not read', async () => {
  const total = 64 * 1_024 * 1_024;
  let handedOut = 0;
  await start({
    reader: (store) => ({
      ...store,
      readEvents: async (_tenant, taskId, after) =>
        after > 0
          ? []
          : [{ seq: 1, at: 0, kind: 'output', runId: `${taskId}.0`, stream: 'stdout', offset: 0, length: total }],
      readOutput: async (_tenant, _run, _stream, offset, maxBytes) => {
        handedOut += maxBytes;
        return { data: Buffer.alloc(maxBytes, 'x'), offset, total };
      },
    }),
  });
  const id = await gateway.task();
  const socket = connect(gateway.gateway.port(), '127.0.0.1').pause();
  socket.write(`GET /v1/tasks/${id}/events HTTP/1.1\r\nHost: a\r\nAuthorization: ${goodKey}\r\n\r\n`);
  let before = -1;
  await eventually(
    'a stop',
    () => {
      const still = handedOut > 0 && handedOut === before;
      before = handedOut;
      return still;
    },
    { everyMs: 300 },
  );
  // What the two kernels' socket buffers take, and a message or two.
  expect(handedOut).toBeLessThan(24 * 1_024 * 1_024);
  socket.destroy();
});

test.each(['abc', '1.2.3', '-1', '1;2'])('refuses the id %s', async (lastEventId) => {
  await start();
  const response = await follow(await gateway.task(), lastEventId);
  expect(response.status).toBe(400);
  expect(await problemOf(response)).toMatchObject({ code: 'MOLT_BAD_REQUEST' });
});
