import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { createLogger, type Logger, MoltError, Secret, withFields } from '../src/index.ts';

const value = 'correct-horse-battery';

/** A logger, and the lines it wrote as they are and as objects. */
function capture(level: 'debug' | 'info' = 'info') {
  const lines: string[] = [];
  const log: Logger = createLogger({ service: 'test', level, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, records: (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line)) };
}

test('a secret is revealed on request alone', () => {
  const secret = new Secret(value);
  expect(secret.reveal()).toBe(value);
  const shown = [
    JSON.stringify({ a: [secret] }),
    `${secret}`,
    `${['x', secret]}`,
    inspect({ a: { b: secret } }, { depth: 9, showHidden: true }),
    format('%s %o %j %O', secret, secret, secret, secret),
    JSON.stringify(structuredClone({ secret })),
    JSON.stringify({ ...secret }),
    JSON.stringify(Object.entries(secret)),
  ];
  for (const text of shown) expect(text).not.toContain(value);
  expect(JSON.stringify({ secret })).toBe('{"secret":"[redacted]"}');
  expect(`${secret}`).toBe('[redacted]');
});

test('a log line is JSON with level, time, service, ids and message', () => {
  const { log, records } = capture();
  log.child({ taskId: 't1' }).child({ runId: 'r1' }).warn({ attempt: 2 }, 'tried again');
  withFields(log, { taskId: 't1', runId: 'r1' }).warn({ attempt: 2 }, 'tried again');
  withFields(log, { taskId: 't1' }).child({ runId: 'r1' }).warn({ attempt: 2 }, 'tried again');
  log.debug({}, 'below the level');
  withFields(log, { taskId: 't1' }).debug({}, 'below the level');
  const line = {
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: 'test',
    taskId: 't1',
    runId: 'r1',
    attempt: 2,
    msg: 'tried again',
  };
  expect(records()).toEqual([line, line, line]);
});

test('a log line shows code, remedy and cause of an error', () => {
  const { log, records } = capture();
  const cause = new Error('ECONNREFUSED 127.0.0.1:1');
  log.error(
    { err: new MoltError('MOLT_STORE_DOWN', 'no answer', { cause, details: { url: new Secret(value) } }) },
    'failed',
  );
  const [record] = records();
  expect(record).toMatchObject({
    level: 'error',
    err: { code: 'MOLT_STORE_DOWN', remedy: expect.any(String), details: { url: '[redacted]' } },
  });
  expect(JSON.stringify(record)).toContain('ECONNREFUSED 127.0.0.1:1');
});

test('no secret reaches a log line: not as Secret, not under a name of secrets, two levels deep, in children too', () => {
  const { log, lines } = capture('debug');
  const names = ['authorization', 'password', 'passphrase', 'privateKey', 'secret', 'token', 'appSecret', 'apiKey'];
  const fields = Object.fromEntries(names.map((name) => [name, value]));
  log.info({ anything: { at: { any: { depth: new Secret(value) } } } }, 'as Secret');
  log.info(fields, 'at the top');
  log.info({ one: fields, two: { deep: fields } }, 'below');
  log.child({ session: fields, ...fields }).debug({}, 'in a child');
  withFields(log, { session: fields, ...fields }).debug({}, 'with fields');
  expect(lines).toHaveLength(5);
  for (const line of lines) expect(line).not.toContain(value);
  expect(lines.join('').match(/\[redacted\]/g)).toHaveLength(1 + 8 + 16 + 16 + 16);
});
