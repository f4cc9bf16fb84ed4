import { expect, test } from 'vitest';
import { createBell } from '../src/bell.ts';

test('a ring wakes the sleeper, and one that came before is kept for the next sleep alone', async () => {
  const bell = createBell();
  const asleep = bell.sleep(600_000);
  bell.ring();
  await asleep;
  bell.ring();
  await bell.sleep(600_000);
  const began = performance.now();
  await bell.sleep(30);
  expect(performance.now() - began).toBeGreaterThan(25);
});
