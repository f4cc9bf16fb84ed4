import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { apiKeyHashPattern, apiKeyIdPattern, hashApiKey, matchesHash, newApiKey, parseApiKey } from '../src/index.ts';

test('a new key names its tenant and id, and matches its hash alone', () => {
  const [a, b] = [newApiKey('team-1'), newApiKey('team-1')];
  expect(a.text).toMatch(/^mb_team-1_[a-z2-7]{10}_[A-Za-z0-9]{43}$/);
  expect(parseApiKey(a.text)).toEqual({ tenant: 'team-1', id: a.id });
  expect(a.id).toMatch(apiKeyIdPattern);
  expect(a.hash).toMatch(apiKeyHashPattern);
  expect(a.hash).toBe(`sha256:${createHash('sha256').update(a.text).digest('hex')}`);
  expect(matchesHash(a.text, a.hash)).toBe(true);
  expect(matchesHash(b.text, a.hash)).toBe(false);
  expect(matchesHash(a.text, a.hash.slice(0, -1))).toBe(false);
  expect(matchesHash(a.text, '')).toBe(false);
});

test('no two keys are alike, and each has the full length', () => {
  const keys = Array.from({ length: 500 }, () => newApiKey('t'));
  expect(new Set(keys.map(({ text }) => text)).size).toBe(500);
  expect(new Set(keys.map(({ id }) => id)).size).toBe(500);
  expect(keys.every(({ text }) => parseApiKey(text) !== undefined)).toBe(true);
});

test('what has not the form of a key is none', () => {
  const { text } = newApiKey('team');
  for (const wrong of ['', 'mb', `${text} `, `${text}0`, text.slice(0, -1), text.toUpperCase(), `x${text}`]) {
    expect(parseApiKey(wrong), wrong).toBeUndefined();
  }
  expect(parseApiKey(text.replace('mb_team_', 'mb_-team_'))).toBeUndefined();
  expect(parseApiKey(text.replace('mb_team_', 'mb__'))).toBeUndefined();
  expect(hashApiKey('')).toMatch(apiKeyHashPattern);
});
