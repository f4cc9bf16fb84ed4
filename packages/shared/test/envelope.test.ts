import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  Callback,
  decodeEnvelope,
  encodeEnvelope,
  envelope,
  hasCode,
  isKind,
  newId,
  type RunOrder,
  replyEnvelope,
  replyIdOf,
  runIdOf,
  watchOf,
} from '../src/index.ts';

const taskId = newId();
const order: RunOrder = {
  runId: runIdOf(taskId, 0),
  index: 0,
  target: {
    name: 'web-1',
    labels: { env: 'prod' },
    pool: 'default',
    transport: 'ssh',
    host: 'h',
    port: 22,
    user: 'u',
    identity: 'i',
  },
  task: {
    id: taskId,
    action: 'shell.run',
    args: { command: 'true' },
    on: 'web-1',
    priority: 'interactive',
    limits: { connectMs: 1, idleMs: 0, totalMs: 1, queueMs: 0, deadlineMs: 0, outputBytes: 1 },
    class: 'guarded',
    retries: 0,
    principal: { tenant: 'default', id: 'key:a' },
    origin: { kind: 'http', requestId: 'r' },
    acceptedAt: 1,
    trace: 't',
    runs: 1,
  },
};

const run = envelope('run', { tenant: 'default', trace: 't', body: order, id: 'm1', at: 5 });
const cancel = envelope('cancel', { tenant: 'default', trace: 't', body: { taskId } });

const codeOf = (bytes: Buffer): boolean => {
  try {
    decodeEnvelope(bytes);
    return false;
  } catch (error) {
    return hasCode(error, 'MOLT_ENVELOPE');
  }
};

const changed = (change: object): Buffer => Buffer.from(JSON.stringify({ ...run, ...change }));

test('what is encoded is decoded as it was', () => {
  expect(decodeEnvelope(encodeEnvelope(run))).toEqual(run);
  const decoded = decodeEnvelope(encodeEnvelope(cancel));
  expect(isKind(decoded, 'cancel') && decoded.body.taskId).toBe(taskId);
  expect(isKind(decoded, 'run')).toBe(false);
});

test('a watch stands for the run: its id and time are those of the run', () => {
  const watch = watchOf(run);
  expect(watch).toEqual({ ...run, kind: 'watch' });
  expect(decodeEnvelope(encodeEnvelope(watch))).toEqual(watch);
});

test('the reply of a task is the same whoever makes it, and carries all that is needed to say it', () => {
  const { task } = order;
  const record = { task, state: 'failed', counts: { failed: 1 }, cancelRequested: false, finishedAt: 9 } as const;
  const reply = replyEnvelope(record);
  expect(reply).toMatchObject({ id: replyIdOf(taskId), kind: 'reply', tenant: 'default', trace: 't', at: 9 });
  expect(reply.body).toEqual({ task, state: 'failed', counts: { failed: 1 }, finishedAt: 9, tries: 0 });
  expect(replyEnvelope(record)).toEqual(reply);
  expect(decodeEnvelope(encodeEnvelope(reply))).toEqual(reply);
});

test.each([
  ['no base64', 'whsec_?'],
  ['too short', `whsec_${Buffer.alloc(23).toString('base64')}`],
  ['too long', `whsec_${Buffer.alloc(65).toString('base64')}`],
  ['no prefix', Buffer.alloc(24).toString('base64')],
])('the secret of a callback that has %s is refused', (_what, secret) => {
  expect(Callback.safeParse({ url: 'https://example.com/', secret }).success).toBe(false);
});

test.each([24, 25, 26, 63, 64])('the secret of a callback may have %d bytes', (size) => {
  const secret = `whsec_${Buffer.alloc(size, 0xfb).toString('base64')}`;
  expect(Callback.safeParse({ url: 'https://example.com/', secret }).success).toBe(true);
});

test('id and time are made when they are not given', () => {
  expect(cancel.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(Math.abs(cancel.at - Date.now())).toBeLessThan(60_000);
});

test('arguments come through whatever JSON they hold', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (args) => {
      const message = { ...run, body: { ...order, task: { ...order.task, args } } };
      const text = JSON.stringify(message);
      expect(JSON.stringify(decodeEnvelope(encodeEnvelope(message)))).toBe(text);
    }),
  );
});

test.each([
  ['no JSON', Buffer.from('{')],
  ['no object', Buffer.from('7')],
  ['nothing', Buffer.alloc(0)],
  ['a later version', changed({ v: 2 })],
  ['an unknown kind', changed({ kind: 'toString' })],
  ['a bad tenant', changed({ tenant: 'No Tenant' })],
  ['no id', changed({ id: '' })],
  ['the body of another kind', changed({ body: { taskId } })],
  ['a body with more than it should have', changed({ body: { ...order, extra: 1 } })],
  ['no body', changed({ body: undefined })],
])('%s is refused with MOLT_ENVELOPE', (_what, bytes) => {
  expect(codeOf(bytes)).toBe(true);
});

test('bytes of any kind are decoded or refused, never worse', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(codeOf(Buffer.from(bytes))).toBe(true);
    }),
  );
});
