import { newId } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { taskEndOf } from '../src/redis/end-note.ts';
import { runFields } from '../src/redis/run-record.ts';

const noteOf = (target: string): string =>
  JSON.stringify(['succeeded=1', false, '1', ...runFields.map((field) => field === 'target' && target)]);

test('a note of another form is no end, and breaks nothing', () => {
  for (const note of ['', '{', '7', '{}', '[]', '["succeeded=1"]', noteOf('{')])
    expect(taskEndOf(newId(), note), note).toBeUndefined();
  expect(taskEndOf(newId(), noteOf('{"name":"x"}'))).toMatchObject({ state: 'succeeded', runs: [{ target: 'x' }] });
});
