import { expect, test } from 'vitest';
import { newId } from '../src/index.ts';

test('ids are UUIDv7, none twice, and sort as they were made, within a millisecond too', () => {
  const ids = Array.from({ length: 20_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(ids.filter((id) => !pattern.test(id))).toEqual([]);
  expect(Math.abs(Date.now() - Number.parseInt((ids.at(-1) ?? '').replace('-', '').slice(0, 12), 16))).toBeLessThan(
    5_000,
  );
});
