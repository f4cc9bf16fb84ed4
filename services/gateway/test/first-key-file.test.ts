import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MoltError, matchesHash, newApiKey, parseApiKey, silentLogger, systemClock } from '@moltbot/shared';
import { createSqliteStore, type Store } from '@moltbot/store';
import { eventually } from '@moltbot/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createFirstKeyFile, type FirstKeyDeps } from '../src/first-key-file.ts';

const tenants = { default: { apiKeys: [], principals: {} } };
const retention = { tasksMs: 3_600_000, outputMs: 3_600_000 };

async function openPlace() {
  const dataDir = await mkdtemp(join(tmpdir(), 'moltbot-first-key-'));
  const time = { passed: 0 };
  const clock = { ...systemClock, now: () => Date.now() + time.passed };
  const store = createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
  await store.start();
  onTestFinished(async () => {
    await store.stop();
    await rm(dataDir, { recursive: true });
  });
  const said: string[] = [];
  const errors: unknown[] = [];
  const log = { ...silentLogger, error: (fields: unknown) => void errors.push(fields) };
  const file = join(dataDir, 'api-key');
  /** One start of a gateway, over this store or one that fails in some way. */
  const begin = async (
    over: Store = store,
    more: Partial<FirstKeyDeps['config']> = {},
  ): Promise<ReturnType<typeof createFirstKeyFile>> => {
    const url = (): string => 'http://127.0.0.1:1';
    const config = { tenants, dataDir, ...more };
    const service = createFirstKeyFile({
      ...{ config, store: over, clock: systemClock, log, url },
      say: (line) => said.push(line),
    });
    await service.start();
    onTestFinished(() => service.stop());
    return service;
  };
  const keyInFile = async (): Promise<string> => (await readFile(file, 'utf8')).trim();
  const isRecorded = async (key: string): Promise<boolean> => {
    const stored = await store.getApiKey('default', parseApiKey(key)?.id ?? '');
    return stored !== undefined && matchesHash(key, stored.hash);
  };
  return { dataDir, file, store, time, said, errors, begin, keyInFile, isRecorded };
}

test('the file has its name only once the key it holds is recorded', async () => {
  const place = await openPlace();
  const seen: string[][] = [];
  await place.begin({
    ...place.store,
    async putApiKey(key) {
      seen.push(await readdir(place.dataDir));
      return place.store.putApiKey(key);
    },
  });
  expect(seen).toEqual([['api-key.new']]);
  expect(await readdir(place.dataDir)).toEqual(['api-key']);
  expect((await stat(place.file)).mode & 0o777).toBe(0o600);
  expect(await place.isRecorded(await place.keyInFile())).toBe(true);
  expect(place.said.join('\n')).toContain(await place.keyInFile());
});

test('a gateway that died between the record and the name leaves the key to the next start', async () => {
  const place = await openPlace();
  const dies = new Promise<'stored'>(() => {});
  const died = createFirstKeyFile({
    config: { tenants, dataDir: place.dataDir },
    store: {
      ...place.store,
      async putApiKey(key) {
        await place.store.putApiKey(key);
        return dies;
      },
      releaseLease: () => new Promise(() => {}),
    },
    ...{ clock: systemClock, log: silentLogger, url: () => '', say: () => {} },
  });
  void died.start();
  await eventually('the record', async () => (await place.store.countApiKeys('default')) === 1);
  await place.begin();
  // Its lease is in force for ten seconds more; what it recorded can be read all the same.
  expect(await place.isRecorded(await place.keyInFile())).toBe(true);
  expect(place.said.join('\n')).toContain(await place.keyInFile());
  await expect(place.store.countApiKeys('default')).resolves.toBe(1);
});

test('a key whose recording lost its answer is the key that is said', async () => {
  const place = await openPlace();
  const putApiKey: Store['putApiKey'] = async (key) => {
    await place.store.putApiKey(key);
    throw new MoltError('MOLT_STORE_DOWN', 'the connection broke');
  };
  await place.begin({ ...place.store, putApiKey });
  await eventually('the key', () => place.keyInFile());
  expect(await place.isRecorded(await place.keyInFile())).toBe(true);
  await expect(place.store.countApiKeys('default')).resolves.toBe(1);
});

test('a failure before the record leaves a draft, which the next start replaces', async () => {
  const place = await openPlace();
  const putApiKey = (): Promise<never> => Promise.reject(new Error('a defect'));
  await place.begin({ ...place.store, putApiKey });
  expect(await readdir(place.dataDir)).toEqual(['api-key.new']);
  expect(place.errors).toHaveLength(1);
  await place.begin();
  expect(await readdir(place.dataDir)).toEqual(['api-key']);
  expect(await place.isRecorded(await place.keyInFile())).toBe(true);
});

test('after a death before the record the next one makes the key as soon as the lease of the dead is over', async () => {
  const place = await openPlace();
  const never = (): Promise<never> => new Promise(() => {});
  const died = createFirstKeyFile({
    config: { tenants, dataDir: place.dataDir },
    store: { ...place.store, putApiKey: never },
    ...{ clock: systemClock, log: silentLogger, url: () => '', say: () => {} },
  });
  void died.start();
  await eventually('its draft', async () => (await readdir(place.dataDir)).includes('api-key.new'));
  await place.begin();
  expect(place.said).toEqual([]);
  place.time.passed += 10_000;
  await eventually('the key', () => place.keyInFile());
  expect(await place.isRecorded(await place.keyInFile())).toBe(true);
  await expect(place.store.countApiKeys('default')).resolves.toBe(1);
});

test('a lease whose answer was lost is its own at the next try', async () => {
  const place = await openPlace();
  const lost = { answers: 1 };
  const acquireLease: Store['acquireLease'] = async (...given) => {
    const outcome = await place.store.acquireLease(...given);
    lost.answers -= 1;
    if (lost.answers === 0) throw new MoltError('MOLT_STORE_DOWN', 'the connection broke');
    return outcome;
  };
  await place.begin({ ...place.store, acquireLease });
  await eventually('the key', () => place.keyInFile());
  expect(await place.isRecorded(await place.keyInFile())).toBe(true);
  expect(place.errors).toEqual([]);
});

test('where keys are configured the data directory is not looked into', async () => {
  const place = await openPlace();
  const { id, hash } = newApiKey('default');
  const more = {
    tenants: { default: { apiKeys: [{ id, hash }], principals: {} } },
    dataDir: join('/dev/null', 'nowhere'),
  };
  await place.begin(place.store, more);
  expect([place.errors, place.said]).toEqual([[], []]);
});

test('a second start says nothing and leaves the file as it is', async () => {
  const place = await openPlace();
  await place.begin();
  const [key, lines] = [await place.keyInFile(), place.said.length];
  await place.begin();
  expect(await place.keyInFile()).toBe(key);
  expect(place.said).toHaveLength(lines);
});
