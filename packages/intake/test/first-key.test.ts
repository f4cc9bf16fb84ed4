import { hashApiKey, MoltError, newId, parseApiKey } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { createFirstKey } from '../src/index.ts';
import { type Lab, openLab, tenants } from './lab.ts';

const depsOf = (lab: Lab, owner = newId()) => ({
  ...{ tenants, store: lab.store, now: lab.clock.now, owner, keep: async () => {} },
});
const made = { kind: 'made', text: expect.stringMatching(/^mb_other_/) };

test('the first key of a tenant is made once, opens the door, and is kept as a hash alone', async () => {
  const lab = await openLab();
  const outcome = await createFirstKey('other', depsOf(lab));
  const text = outcome.kind === 'made' ? outcome.text : '';
  const id = parseApiKey(text)?.id ?? '';
  await expect((await lab.door()).authenticate(`Bearer ${text}`)).resolves.toEqual({
    tenant: 'other',
    id: `key:${id}`,
  });
  const kept = { tenant: 'other', id, hash: hashApiKey(text), createdAt: lab.clock.now() };
  await expect(lab.store.getApiKey('other', id)).resolves.toEqual(kept);
  await expect(createFirstKey('other', depsOf(lab))).resolves.toEqual({ kind: 'there' });
  await expect(lab.store.countApiKeys('other')).resolves.toBe(1);
});

test('doors that start together make one key', async () => {
  const lab = await openLab();
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => createFirstKey('other', depsOf(lab))));
  expect(outcomes.filter(({ kind }) => kind === 'made')).toHaveLength(1);
  await expect(lab.store.countApiKeys('other')).resolves.toBe(1);
});

test.each([
  ['with keys in the configuration', 'acme'],
  ['that is not configured', 'nobody'],
])('a tenant %s is given none', async (_what, tenant) => {
  const lab = await openLab();
  await expect(createFirstKey(tenant, depsOf(lab))).resolves.toEqual({ kind: 'unwanted' });
  await expect(lab.store.countApiKeys(tenant)).resolves.toBe(0);
});

test('a door that could not store the key leaves the next one free to make it', async () => {
  const lab = await openLab();
  const putApiKey = () => Promise.reject(new MoltError('MOLT_STORE_DOWN', 'down'));
  const failing = createFirstKey('other', { ...depsOf(lab), store: { ...lab.store, putApiKey } });
  await expect(failing).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  await expect(createFirstKey('other', depsOf(lab))).resolves.toEqual(made);
});

test('a key whose text could not be kept is not recorded', async () => {
  const lab = await openLab();
  const keep = () => Promise.reject(new Error('no space left on device'));
  await expect(createFirstKey('other', { ...depsOf(lab), keep })).rejects.toThrow('no space');
  await expect(lab.store.countApiKeys('other')).resolves.toBe(0);
});

test('a door that died as it made the key keeps the others waiting for as long as its lease', async () => {
  const lab = await openLab();
  const never = () => new Promise<never>(() => {});
  const died = depsOf(lab);
  void createFirstKey('other', { ...died, store: { ...lab.store, putApiKey: never } });
  const busy = { kind: 'busy', retryAfterMs: 10_000 };
  await expect.poll(() => createFirstKey('other', depsOf(lab))).toEqual(busy);
  await expect(createFirstKey('other', { ...depsOf(lab), owner: died.owner })).resolves.toEqual(made);
  await expect(createFirstKey('other', depsOf(lab))).resolves.toEqual({ kind: 'there' });
});

test('a door whose lease was taken over after its time makes the key', async () => {
  const lab = await openLab();
  const never = () => new Promise<never>(() => {});
  void createFirstKey('other', { ...depsOf(lab), store: { ...lab.store, putApiKey: never } });
  await expect.poll(() => createFirstKey('other', depsOf(lab))).toMatchObject({ kind: 'busy' });
  lab.clock.advance(10_000);
  await expect(createFirstKey('other', depsOf(lab))).resolves.toEqual(made);
});
