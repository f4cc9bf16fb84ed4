import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeEnvelope,
  encodeEnvelope,
  envelope,
  hasCode,
  isKind,
  newId,
  type RunOrder,
  runIdOf,
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
    limits: { connectMs: 1, idleMs: 0, totalMs: 1, outputBytes: 1 },
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
