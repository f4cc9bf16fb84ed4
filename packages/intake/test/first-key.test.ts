import { hashApiKey, MoltError, parseApiKey } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { createFirstKey } from '../src/index.ts';
import { type Lab, openLab, tenants } from './lab.ts';

const depsOf = (lab: Lab) => ({ tenants, store: lab.store, now: lab.clock.now, keep: async () => {} });

test('the first key of a tenant is made once, opens the door, and is kept as a hash alone', async () => {
  const lab = await openLab();
  const text = (await createFirstKey('other', depsOf(lab))) ?? '';
  const id = parseApiKey(text)?.id ?? '';
  await expect((await lab.door()).authenticate(`Bearer ${text}`)).resolves.toEqual({
    tenant: 'other',
    id: `key:${id}`,
  });
  const kept = { tenant: 'other', id, hash: hashApiKey(text), createdAt: lab.clock.now() };
  await expect(lab.store.getApiKey('other', id)).resolves.toEqual(kept);
  await expect(createFirstKey('other', depsOf(lab))).resolves.toBeUndefined();
  await expect(lab.store.countApiKeys('other')).resolves.toBe(1);
});

test('doors that start together make one key', async () => {
  const lab = await openLab();
  const made = await Promise.all(Array.from({ length: 8 }, () => createFirstKey('other', depsOf(lab))));
  expect(made.filter((text) => text !== undefined)).toHaveLength(1);
  await expect(lab.store.countApiKeys('other')).resolves.toBe(1);
});

test.each([
  ['with keys in the configuration', 'acme'],
  ['that is not configured', 'nobody'],
])('a tenant %s is given none', async (_what, tenant) => {
  const lab = await openLab();
  await expect(createFirstKey(tenant, depsOf(lab))).resolves.toBeUndefined();
  await expect(lab.store.countApiKeys(tenant)).resolves.toBe(0);
});

test('a door that could not store the key leaves the next one free to make it', async () => {
  const lab = await openLab();
  const putApiKey = () => Promise.reject(new MoltError('MOLT_STORE_DOWN', 'down'));
  const failing = createFirstKey('other', { ...depsOf(lab), store: { ...lab.store, putApiKey } });
  await expect(failing).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  await expect(createFirstKey('other', depsOf(lab))).resolves.toMatch(/^mb_other_/);
});

test('a key whose text could not be kept is not recorded', async () => {
  const lab = await openLab();
  const keep = () => Promise.reject(new Error('no space left on device'));
  await expect(createFirstKey('other', { ...depsOf(lab), keep })).rejects.toThrow('no space');
  await expect(lab.store.countApiKeys('other')).resolves.toBe(0);
});
