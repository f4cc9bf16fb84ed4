import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  fingerprintOf,
  isAbout,
  knownHostsName,
  parseKnownHosts,
  standingOf,
} from '../../src/transports/ssh/known-hosts.ts';

let dir: string;
/** `type base64` of real public keys. */
let keys: readonly string[];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'molt-known-'));
  keys = ['ed25519', 'ecdsa', 'ed25519'].map((type, index) => {
    const file = join(dir, `key${index}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
    return readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const keyBytes = (index: number): Buffer => Buffer.from(keys[index]?.split(' ')[1] ?? '', 'base64');

/** The lines ssh-keygen finds for a name. */
function linesByOracle(text: string, name: string): readonly number[] {
  const file = join(dir, 'known_hosts');
  writeFileSync(file, text);
  const { stdout } = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
  return [...stdout.matchAll(/^# Host .* found: line (\d+)/gm)].map(([, line]) => Number(line));
}

function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

const label = fc.constantFrom('a', 'b', 'ab', 'web-1', 'x');
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const name = fc
  .record({ host, port: fc.constantFrom(22, 22, 2222) })
  .map(({ host, port }) => knownHostsName(host, port));
const pattern = fc.oneof(
  name,
  name.map((text) => text.toUpperCase()),
  fc
    .array(fc.constantFrom('*', '?', 'a', 'b', '.', 'web', '[', ']:2222', '1', '-'), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('')),
);
const patterns = fc
  .array(fc.record({ pattern, not: fc.boolean() }), { minLength: 1, maxLength: 3 })
  .map((list) => list.map(({ pattern, not }) => (not ? `!${pattern}` : pattern)).join(','));
const hosts = fc.oneof({ weight: 3, arbitrary: patterns }, { weight: 1, arbitrary: name.map(hashed) });
const line = fc.record({
  marker: fc.constantFrom('', '', '', '@revoked ', '@cert-authority '),
  lead: fc.constantFrom('', '', ' ', '\t'),
  hosts,
  gap: fc.constantFrom(' ', '  ', '\t'),
  key: fc.nat(2),
  comment: fc.constantFrom('', ' someone@somewhere'),
  broken: fc.constantFrom('no', 'no', 'no', '#', 'blank'),
});

test('finds the lines that ssh-keygen -F finds', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), name, (lines, wanted) => {
      const text = lines
        .map(({ marker, lead, hosts, gap, key, comment, broken }) =>
          broken === 'blank'
            ? '   '
            : `${broken === '#' ? '#' : ''}${lead}${marker}${hosts}${gap}${keys[key]}${comment}`,
        )
        .join('\n');
      const found = parseKnownHosts(text).filter((entry) => isAbout(entry, wanted));
      expect(found.map(({ line }) => line)).toEqual(linesByOracle(`${text}\n`, wanted));
    }),
    { numRuns: 300 },
  );
});

test('a negated pattern takes a host out, wherever it stands', () => {
  const text = `*.b,!x.b ${keys[0]}\n!X.b,*.b ${keys[1]}\n`;
  for (const name of ['x.b', 'a.b']) {
    const found = parseKnownHosts(text).filter((entry) => isAbout(entry, name));
    expect(found.map(({ line }) => line)).toEqual(linesByOracle(text, name));
    expect(found).toHaveLength(name === 'x.b' ? 0 : 2);
  }
});

test('broken lines are left out', () => {
  const good = `h ${keys[0]}`;
  const text = [
    'h',
    'h ssh-rsa',
    `h ssh-rsa ${keys[0]?.split(' ')[1]}`,
    `@odd h ${keys[0]}`,
    'h ssh-ed25519 !!!!',
    '',
    good,
  ].join('\r\n');
  expect(parseKnownHosts(text).map(({ line }) => line)).toEqual([7]);
});

test('what a key is to a host', () => {
  const entries = parseKnownHosts(`h ${keys[0]}\n@revoked * ${keys[2]}\n@cert-authority h2 ${keys[1]}\n`);
  expect(standingOf(entries, 'h', keyBytes(0))).toBe('known');
  expect(standingOf(entries, 'h', keyBytes(1))).toBe('changed');
  expect(standingOf(entries, 'h', keyBytes(2))).toBe('revoked');
  expect(standingOf(entries, 'h2', keyBytes(1))).toBe('unknown');
  expect(standingOf(entries, 'h3', keyBytes(2))).toBe('revoked');
});

test('fingerprints are those of ssh-keygen', () => {
  const printed = execFileSync('ssh-keygen', ['-l', '-f', join(dir, 'key0.pub')], { encoding: 'utf8' });
  expect(fingerprintOf(keyBytes(0))).toBe(printed.split(' ')[1]);
});

test('a pattern made to be slow is not', () => {
  const [entry] = parseKnownHosts(`${'*a'.repeat(500)} ${keys[0]}`);
  const begin = process.cpuUsage();
  expect(entry && isAbout(entry, `${'a'.repeat(5_000)}b`)).toBe(false);
  expect(process.cpuUsage(begin).user).toBeLessThan(1_000_000);
});
