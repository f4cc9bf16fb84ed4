import type { LookupAddress } from 'node:dns';
import { hasCode, MoltError } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { type AddressGuard, guardLookup, retryAfterToMs } from '../src/index.ts';

test.each([
  [undefined, 0],
  ['120', 120_000],
  [' 5 ', 5_000],
  ['0', 0],
  ['-5', 0],
  ['soon', 0],
  ['', 0],
  ['Sun, 22 Nov 2026 18:01:00 GMT', 60_000],
  ['Sun, 22 Nov 2026 17:00:00 GMT', 0],
])('Retry-After: %s is %i ms', (header, ms) => {
  expect(retryAfterToMs(header, Date.parse('2026-11-22T18:00:00Z'))).toBe(ms);
});

const guardBy = (isAllowed: AddressGuard['isAllowed']): AddressGuard => ({
  isAllowed,
  refusal: (host) => new MoltError('MOLT_BAD_CALLBACK', `${host} leads inside`),
});

const v4 = (address: string): LookupAddress => ({ address, family: 4 });

test.each([
  { found: ['10.0.0.1', '192.0.2.1'], all: true, expected: [v4('192.0.2.1')] },
  { found: ['10.0.0.1', '192.0.2.1'], all: false, expected: '192.0.2.1' },
  { found: ['10.0.0.1'], all: true, expected: 'MOLT_BAD_CALLBACK' },
  { found: ['10.0.0.1'], all: false, expected: 'MOLT_BAD_CALLBACK' },
])('of $found a connection (all: $all) is given $expected', async ({ found, all, expected }) => {
  const lookup = guardLookup(
    guardBy((address, host) => host === 'receiver.test' && address.startsWith('192.')),
    (_host, _options, callback) => callback(null, found.map(v4)),
  );
  const got = await new Promise((resolve) => {
    lookup('receiver.test', { all }, (error, address) =>
      resolve(error ? hasCode(error, 'MOLT_BAD_CALLBACK') && 'MOLT_BAD_CALLBACK' : address),
    );
  });
  expect(got).toEqual(expected);
});

test('a name that leads inside at the second look is not followed', async () => {
  const answers = ['192.0.2.1', '127.0.0.1'];
  const lookup = guardLookup(
    guardBy((address) => !address.startsWith('127.')),
    (_host, _options, callback) => callback(null, [v4(answers.shift() ?? '')]),
  );
  const look = () =>
    new Promise((resolve) => lookup('receiver.test', {}, (error, address) => resolve(error ?? address)));
  expect(await look()).toBe('192.0.2.1');
  expect(await look()).toMatchObject({ code: 'MOLT_BAD_CALLBACK' });
});
