import { isIP } from 'node:net';
import { type CallbacksConfig, MoltError } from '@moltbot/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertCallbackAllowed } from '../src/index.ts';

const callbacks = (...allow: readonly string[]): CallbacksConfig => ({ allow, timeoutMs: 1, giveUpAfterMs: 1 });

const refusalOf = (url: string, config = callbacks()): MoltError | undefined => {
  try {
    assertCallbackAllowed(url, config);
    return undefined;
  } catch (error) {
    if (error instanceof MoltError) return error;
    throw error;
  }
};

describe('at the door', () => {
  test.each([
    'https://example.com/hook?a=b',
    'http://example.com:8080',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
    'https://xn--bcher-kva.example/',
  ])('%s is taken', (url) => {
    expect(refusalOf(url)).toBeUndefined();
  });

  test.each([
    ...[
      'http://127.0.0.1',
      'http://127.1',
      'http://127.0.0.1.',
      'http://2130706433',
      'http://0x7f000001',
      'http://0x7f.1',
    ],
    ...['http://017700000001', 'http://0177.0.0.01', 'http://①②⑦.0.0.1', 'http://127。0。0。1', 'http:127.0.0.1'],
    ...['http://localhost', 'http://LOCALHOST.', 'http://a.localhost', 'http://0', 'http://0.0.0.0', 'http://[::]'],
    ...['http://[::1]', 'http://[0:0:0:0:0:0:0:1]', 'http://[::ffff:127.0.0.1]', 'http://[::ffff:7f00:1]'],
    ...['http://[::127.0.0.1]', 'http://[64:ff9b::7f00:1]', 'http://[2002:7f00:1::]', 'http://[2001::1]'],
    ...['http://169.254.169.254/latest/meta-data', 'http://[::ffff:a9fe:a9fe]', 'http://[fd00:ec2::254]'],
    ...['http://10.0.0.1', 'http://172.16.0.1', 'http://172.31.255.255', 'http://192.168.1.1', 'http://100.64.0.1'],
    ...['http://[fe80::1]', 'http://[fec0::1]', 'http://[ff02::1]', 'http://224.0.0.1', 'http://255.255.255.255'],
    ...['http://192.0.2.1', 'http://198.18.0.1', 'http://198.51.100.1', 'http://203.0.113.1', 'http://[2001:db8::1]'],
  ])('%s leads inside', (url) => {
    const error = refusalOf(url);
    expect(error).toMatchObject({ code: 'MOLT_BAD_CALLBACK', status: 400 });
    expect(error?.places).toEqual([{ path: '/callback/url', message: expect.stringContaining('is not public') }]);
  });

  test.each([
    ['https://user@example.com', 'no user name'],
    ['https://:hunter22@example.com', 'no user name and no password'],
    ['http://127.0.0.1\\@example.com', 'is not public'],
    ['ftp://example.com', 'http:// or https://'],
    ['file:///etc/passwd', 'http:// or https://'],
    ['example.com', 'is no URL'],
    ['http://', 'is no URL'],
    ['http://1.2.3.256', 'is no URL'],
  ])('%s is refused: %s', (url, said) => {
    const error = refusalOf(url);
    expect(error).toMatchObject({ code: 'MOLT_BAD_CALLBACK', message: expect.stringContaining(said) });
    expect(error?.message).not.toContain('hunter22');
  });

  test('what callbacks.allow lists is taken: names whole and in any case, addresses, blocks', () => {
    const listed = callbacks('Hooks.Internal', 'localhost', '10.1.0.0/16', '127.0.0.1', 'fd00::/8');
    const taken = [
      'http://hooks.internal.',
      'http://localhost:1',
      'http://10.1.2.3',
      'http://127.1',
      'http://[fd12::1]',
    ];
    expect(taken.map((url) => refusalOf(url, listed)?.message)).toEqual(taken.map(() => undefined));
    const refused = ['http://10.2.0.1', 'http://127.0.0.2', 'http://a.localhost', 'http://[fc00::1]'];
    expect(refused.map((url) => refusalOf(url, listed)?.code)).toEqual(refused.map(() => 'MOLT_BAD_CALLBACK'));
  });
});

/** The ranges of RFC 1918, 5735, 6598, by arithmetic. */
const isSpecial = ([a, b, c]: readonly [number, number, number, number]): boolean =>
  [0, 10, 127].includes(a) ||
  a >= 224 ||
  (a === 100 && b >= 64 && b <= 127) ||
  (a === 172 && b >= 16 && b <= 31) ||
  (a === 169 && b === 254) ||
  (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) ||
  (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
  (a === 203 && b === 0 && c === 113);

test('however an IPv4 address is written, it is judged by what it is', () => {
  const octet = fc.nat(255);
  const first = fc.oneof(octet, fc.constantFrom(10, 100, 127, 169, 172, 192, 198, 203, 224));
  fc.assert(
    fc.property(fc.tuple(first, octet, octet, octet), fc.nat(4), (octets, form) => {
      const [a, b, c, d] = octets;
      const value = ((a * 256 + b) * 256 + c) * 256 + d;
      const spellings = [octets.join('.'), `${value}`, `0x${value.toString(16)}`, `0${value.toString(8)}`];
      const host = spellings[form] ?? `${a}.${b}.${c * 256 + d}`;
      expect(refusalOf(`http://${host}/`) === undefined, host).toBe(!isSpecial(octets));
      // Hidden in IPv6 it is never taken.
      expect(refusalOf(`http://[::ffff:${octets.join('.')}]/`)?.code).toBe('MOLT_BAD_CALLBACK');
    }),
    { numRuns: 500 },
  );
});

test('no IPv6 address outside 2000::/3 is taken', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const url = URL.parse(`http://[${address}]/`);
      if (!url || isIP(address) !== 6) return;
      const isGlobal = /^\[[23][0-9a-f]{3}:/.test(url.hostname);
      if (!isGlobal) expect(refusalOf(url.href), url.hostname).toBeDefined();
    }),
    { numRuns: 500 },
  );
});
