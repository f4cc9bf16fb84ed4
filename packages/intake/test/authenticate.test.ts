import { MoltError, newApiKey } from '@moltbot/shared';
import type { StoredApiKey } from '@moltbot/store';
import { expect, test } from 'vitest';
import { configuredKey, type Lab, openLab } from './lab.ts';

async function storedKey(lab: Lab, tenant = 'acme') {
  const { text, id, hash } = newApiKey(tenant);
  await lab.store.putApiKey({ tenant, id, hash, createdAt: lab.clock.now() });
  return { header: `Bearer ${text}`, id };
}

/** The store, with what it says of keys decided by the test. */
function withKeys(lab: Lab, getApiKey: (tenant: string, id: string) => Promise<StoredApiKey | undefined>) {
  return { ...lab.store, getApiKey };
}

test.each([[undefined], [''], ['Bearer'], ['Bearer '], ['Basic YTpi'], ['Bearer two words']])(
  'a request with the header %j has no key',
  async (header) => {
    const door = await (await openLab()).door();
    await expect(door.authenticate(header)).rejects.toMatchObject({ code: 'MOLT_KEY_MISSING' });
  },
);

test.each([
  ['a text that is no key', 'nonsense'],
  ['a key of a tenant that is not configured', newApiKey('nobody').text],
  ['a key that nobody made', newApiKey('acme').text],
  ['a key with another secret', `${configuredKey.text.slice(0, -1)}${configuredKey.text.endsWith('A') ? 'B' : 'A'}`],
  ['a key under the name of another tenant', configuredKey.text.replace('mb_acme_', 'mb_other_')],
  ['a key with more behind it', `${configuredKey.text}A`],
])('%s is refused without saying why', async (_what, text) => {
  const door = await (await openLab()).door();
  const refusal = { code: 'MOLT_KEY_WRONG', message: 'the API key is not known' };
  await expect(door.authenticate(`Bearer ${text}`)).rejects.toMatchObject(refusal);
});

test('a key of the configuration is a principal, even with the store down', async () => {
  const lab = await openLab();
  const door = await lab.door();
  await lab.store.stop();
  const principal = { tenant: 'acme', id: `key:${configuredKey.id}` };
  await expect(door.authenticate(`Bearer ${configuredKey.text}`)).resolves.toEqual(principal);
  await expect(door.authenticate(`bearer   ${configuredKey.text}`)).resolves.toEqual(principal);
});

test('a key of the store is a principal of its own tenant', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const mine = await storedKey(lab);
  const theirs = await storedKey(lab, 'other');
  await expect(door.authenticate(mine.header)).resolves.toEqual({ tenant: 'acme', id: `key:${mine.id}` });
  await expect(door.authenticate(theirs.header)).resolves.toEqual({ tenant: 'other', id: `key:${theirs.id}` });
  // What is remembered of a name in one tenant says nothing of it in another.
  const elsewhere = (await storedKey(lab)).header;
  const wrong = { code: 'MOLT_KEY_WRONG' };
  await expect(door.authenticate(elsewhere.replace('mb_acme_', 'mb_other_'))).rejects.toMatchObject(wrong);
  await expect(door.authenticate(elsewhere)).resolves.toMatchObject({ tenant: 'acme' });
  const secretOfMine = mine.header.slice(-43);
  await expect(door.authenticate(`${theirs.header.slice(0, -43)}${secretOfMine}`)).rejects.toMatchObject(wrong);
});

test('a revoked key works for five seconds at most, and the store is asked once in that time', async () => {
  const lab = await openLab();
  const { header } = await storedKey(lab);
  let revoked = false;
  let asked = 0;
  const store = withKeys(lab, async (tenant, id) => {
    asked += 1;
    return revoked ? undefined : lab.store.getApiKey(tenant, id);
  });
  const door = await lab.door({ store });
  await door.authenticate(header);
  revoked = true;
  lab.clock.advance(4_999);
  await expect(door.authenticate(header)).resolves.toMatchObject({ tenant: 'acme' });
  expect(asked).toBe(1);
  lab.clock.advance(1);
  await expect(door.authenticate(header)).rejects.toMatchObject({ code: 'MOLT_KEY_WRONG' });
  expect(asked).toBe(2);
});

test('with the store down a key that is not remembered is not judged', async () => {
  const lab = await openLab();
  const { header } = await storedKey(lab);
  let down = false;
  const store = withKeys(lab, (tenant, id) =>
    down ? Promise.reject(new MoltError('MOLT_STORE_DOWN', 'down')) : lab.store.getApiKey(tenant, id),
  );
  const door = await lab.door({ store });
  await door.authenticate(header);
  down = true;
  await expect(door.authenticate(header)).resolves.toMatchObject({ tenant: 'acme' });
  lab.clock.advance(5_001);
  await expect(door.authenticate(header)).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  down = false;
  await expect(door.authenticate(header)).resolves.toMatchObject({ tenant: 'acme' });
});
