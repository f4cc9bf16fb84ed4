import { newId } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { type Arbitrary, array, assert, asyncProperty, constant, constantFrom, oneof, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/port.ts';
import type { RecordName, RecordStore, StoredRecord } from '../../src/records-port.ts';
import type { EmptyStore } from './schedules-random.ts';
import type { Suite } from './suite.ts';

const nameOf = (more: Partial<RecordName> = {}): RecordName => ({
  ...{ tenant: 'notes', kind: 'test.notes', id: newId() },
  ...more,
});

/** Every page of a kind, one after another. */
async function listAll(
  store: RecordStore,
  of: Pick<RecordName, 'tenant' | 'kind'>,
  limit: number,
): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listRecords(of, { limit, cursor });
    expect(page.records.length).toBeLessThanOrEqual(limit);
    found.push(...page.records);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

/** Small documents, changed one at a time. @param create gives a store that is started */
export function recordsConformance({ store }: Suite, create: () => Promise<Store>, empty: EmptyStore): void {
  describe('records', () => {
    it('are given as they were put, each under its own name', async () => {
      const name = nameOf();
      const value = JSON.stringify({ text: 'ü 漢字 😀 \\ "', lines: '\r\n\0' });
      const version = await store().putRecord(name, value);
      expect(version).toBeGreaterThan(0);
      expect(await store().getRecord(name)).toEqual({ id: name.id, value, version });
      for (const other of [{ tenant: 'others' }, { kind: 'test.others' }, { id: `${name.id}x` }]) {
        expect(await store().getRecord({ ...name, ...other })).toBeUndefined();
        expect(await store().dropRecord({ ...name, ...other })).toBe(false);
      }
      expect(await store().putRecord(name, '')).toBeGreaterThan(Number(version));
      expect(await store().getRecord(name)).toMatchObject({ value: '' });
    });

    it('are changed only from the version that is there', async () => {
      const name = nameOf();
      expect(await store().putRecord(name, 'a', { version: 7 })).toBeUndefined();
      const one = await store().putRecord(name, 'a', { version: 0 });
      expect(await store().putRecord(name, 'b', { version: 0 })).toBeUndefined();
      const two = await store().putRecord(name, 'b', { version: Number(one) });
      expect(two).toBeGreaterThan(Number(one));
      expect(await store().putRecord(name, 'c', { version: Number(one) })).toBeUndefined();
      expect(await store().dropRecord(name, Number(one))).toBe(false);
      expect(await store().dropRecord(name, 0)).toBe(false);
      expect(await store().getRecord(name)).toEqual({ id: name.id, value: 'b', version: two });
      expect(await store().dropRecord(name, Number(two))).toBe(true);
      expect(await store().dropRecord(name)).toBe(false);
      expect(await store().getRecord(name)).toBeUndefined();
      expect(await store().putRecord(name, 'd', { version: Number(two) })).toBeUndefined();
      expect(await store().putRecord(name, 'd', { version: 0 })).toBeGreaterThan(Number(two));
    });

    it('let one of twenty racing writers win each version', async () => {
      const name = nameOf();
      let version = 0;
      for (const round of [1, 2, 3, 4, 5]) {
        const writes = Array.from({ length: 20 }, (_, writer) =>
          store().putRecord(name, `${round}:${writer}`, { version }),
        );
        const given = await Promise.all(writes);
        const winners = given.flatMap((won, writer) => (won === undefined ? [] : [{ won, writer }]));
        expect(winners).toHaveLength(1);
        const [{ won, writer } = { won: 0, writer: -1 }] = winners;
        expect(won).toBeGreaterThan(version);
        expect(await store().getRecord(name)).toEqual({ id: name.id, value: `${round}:${writer}`, version: won });
        version = won;
      }
    });

    it('are forgotten at their time, unless a later write keeps them', async () => {
      const kind = `test.kept-${newId()}`;
      const [kept, again, dropped, gone] = ['kept', 'again', 'dropped', 'gone'].map((id) => nameOf({ kind, id })) as [
        ...[RecordName, RecordName, RecordName, RecordName],
      ];
      const keepMs = 40;
      const versions = await Promise.all(
        [kept, again, dropped, gone].map((name) => store().putRecord(name, 'short', { keepMs })),
      );
      await store().putRecord(kept, 'for ever');
      await store().putRecord(again, 'longer', { keepMs: 600_000 });
      await store().dropRecord(dropped);
      await store().putRecord(dropped, 'back', { version: 0 });
      await eventually('its time is over', async () => (await store().getRecord(gone)) === undefined);
      const ids = async () => (await listAll(store(), { tenant: gone.tenant, kind }, 10)).map(({ id }) => id);
      expect(await ids()).toEqual(['again', 'dropped', 'kept']);
      expect(await store().dropRecord(gone)).toBe(false);
      await store().expire();
      expect(await ids()).toEqual(['again', 'dropped', 'kept']);
      expect(await store().putRecord(gone, 'x', { version: Number(versions[3]) })).toBeUndefined();
      expect(await store().putRecord(gone, 'x', { version: 0 })).toBeGreaterThan(Math.max(...versions.map(Number)));
      await store().expire();
      expect(await ids()).toEqual(['again', 'dropped', 'gone', 'kept']);
    });

    it('that are forgotten at once are not there', async () => {
      const name = nameOf();
      await store().putRecord(name, 'before');
      expect(await store().putRecord(name, 'x', { keepMs: 0 })).toBeGreaterThan(0);
      expect(await store().getRecord(name)).toBeUndefined();
    });

    it('are listed in order of id, page by page, past those whose time is over', async () => {
      const kind = `test.pages-${newId()}`;
      const ids = ['', 'B', 'a', 'a b', 'a:1', 'b', 'zß', '漢', '\uffee', '😀'];
      for (const id of [...ids].reverse()) {
        await store().putRecord(nameOf({ kind, id }), `of ${id}`);
        for (const late of ['1', '2', '3']) {
          await store().putRecord(nameOf({ kind, id: `${id} ${late}` }), 'late', { keepMs: 1 });
        }
      }
      const last = nameOf({ kind, id: ' 3' });
      // Of each: that of the last one says nothing of the others where a clock is set back meanwhile.
      await eventually('their time is over', async () => (await listAll(store(), last, 3)).length === ids.length);
      const all = await listAll(store(), last, 3);
      expect(all.map(({ id }) => id)).toEqual(ids);
      expect(all.map(({ value }) => value)).toEqual(ids.map((id) => `of ${id}`));
      expect(await listAll(store(), last, 100)).toEqual(all);
      expect(await store().listRecords(last, { limit: 10 })).toEqual({ records: all });
      expect(await store().listRecords({ ...last, tenant: 'others' }, { limit: 10 })).toEqual({ records: [] });
      expect(await store().listRecords({ ...last, kind: 'test.none' }, { limit: 10 })).toEqual({ records: [] });
    });

    it('hold 256 KiB, and not a byte more', async () => {
      const name = nameOf();
      const most = `${'x'.repeat(262_141)}漢`;
      const version = await store().putRecord(name, most);
      expect((await store().getRecord(name))?.value).toBe(most);
      await expect(store().putRecord(name, `${most}x`)).rejects.toMatchObject({ code: 'MOLT_BAD_REQUEST' });
      await expect(store().putRecord({ ...name, kind: 'a:b' }, 'x')).rejects.toMatchObject({
        code: 'MOLT_BAD_REQUEST',
      });
      expect((await store().getRecord(name))?.version).toBe(version);
    });

    it('have higher versions in a store that was emptied', async () => {
      let emptied = await create();
      const name = nameOf();
      const version = Number(await emptied.putRecord(name, 'x'));
      emptied = await empty(emptied);
      expect(await emptied.getRecord(name)).toBeUndefined();
      expect(await emptied.putRecord(name, 'x', { version })).toBeUndefined();
      expect(await emptied.putRecord(name, 'x', { version: 0 })).toBeGreaterThan(version);
      await emptied.stop();
    });

    it('are as a model of them says, whatever is done to them in any order', async () => {
      await assert(
        asyncProperty(array(call, { minLength: 1, maxLength: 40 }), (calls) => follow(store(), newId(), calls)),
        { numRuns: 40 },
      );
    });
  });
}

type Version = 'none' | 'right' | 'old' | 'any';

interface Call {
  readonly do: 'put' | 'drop';
  readonly kind: string;
  readonly id: string;
  readonly value: string;
  readonly version: Version;
  readonly keepMs: number | undefined;
}

const call: Arbitrary<Call> = record({
  do: oneof({ weight: 3, arbitrary: constant('put' as const) }, { weight: 1, arbitrary: constant('drop' as const) }),
  kind: constantFrom('test.one', 'test.two'),
  id: constantFrom('a', 'b', 'a b', 'é'),
  value: constantFrom('', 'x', '{"n":1}'),
  version: constantFrom('none', 'right', 'right', 'old', 'any'),
  // The time of a record is over at once or never: the model has no clock.
  keepMs: constantFrom(undefined, undefined, 600_000, 0),
});

/** Does the calls to a store and to a plain map, and compares what both say. */
async function follow(store: RecordStore, tenant: string, calls: readonly Call[]): Promise<void> {
  const model = new Map<string, StoredRecord>();
  let last = 0;
  for (const { do: verb, kind, id, value, version, keepMs } of calls) {
    const key = JSON.stringify([kind, id]);
    const known = model.get(key);
    const expected = { none: 0, right: known?.version ?? 0, old: last - 1, any: undefined }[version];
    const matches = expected === undefined || expected === (known?.version ?? 0);
    if (verb === 'drop') {
      expect(await store.dropRecord({ tenant, kind, id }, expected)).toBe(known !== undefined && matches);
      if (matches) model.delete(key);
    } else {
      const given = await store.putRecord({ tenant, kind, id }, value, { version: expected, keepMs });
      expect(given !== undefined).toBe(matches);
      if (given === undefined) continue;
      expect(given).toBeGreaterThan(last);
      last = given;
      if (keepMs === 0) model.delete(key);
      else model.set(key, { id, value, version: given });
    }
  }
  for (const kind of ['test.one', 'test.two']) {
    const there = ['a', 'a b', 'b', 'é'].flatMap((id) => model.get(JSON.stringify([kind, id])) ?? []);
    expect(await listAll(store, { tenant, kind }, 2)).toEqual(there);
    for (const record of there) expect(await store.getRecord({ tenant, kind, id: record.id })).toEqual(record);
  }
}
