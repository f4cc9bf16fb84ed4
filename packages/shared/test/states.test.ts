import { expect, test } from 'vitest';
import { isFinal, isLeased, isLegalRunMove, runStates, taskStateOf } from '../src/index.ts';

test('final states have no moves and every other state can reach one', () => {
  for (const state of runStates.filter((s) => !isFinal(s))) {
    expect(
      runStates.some((to) => isFinal(to) && isLegalRunMove(state, to)),
      state,
    ).toBe(true);
  }
});

test('a task takes the most severe end of its runs, and is running while any has begun and one has not ended', () => {
  expect(taskStateOf({ succeeded: 3 })).toBe('succeeded');
  expect(taskStateOf({ succeeded: 2, failed: 1 })).toBe('failed');
  expect(taskStateOf({ failed: 2, unknown: 1 })).toBe('unknown');
  expect(taskStateOf({ queued: 2 })).toBe('queued');
  expect(taskStateOf({ held: 1 })).toBe('held');
  expect(taskStateOf({ queued: 1, succeeded: 1 })).toBe('running');
  expect(taskStateOf({ claimed: 1 })).toBe('running');
});

test('the moves are these and no others', () => {
  const moves = runStates.flatMap((from) =>
    runStates.filter((to) => isLegalRunMove(from, to)).map((to) => `${from} → ${to}`),
  );
  expect(moves.sort()).toEqual(
    [
      'held → queued',
      'held → cancelled',
      'held → expired',
      'queued → claimed',
      'queued → cancelled',
      'queued → expired',
      'queued → undeliverable',
      'claimed → queued',
      'claimed → running',
      'claimed → failed',
      'claimed → timed-out',
      'claimed → cancelled',
      'claimed → unknown',
      'claimed → undeliverable',
      'claimed → expired',
      'running → queued',
      'running → succeeded',
      'running → failed',
      'running → timed-out',
      'running → cancelled',
      'running → unknown',
    ].sort(),
  );
  expect(runStates.filter(isLeased)).toEqual(['claimed', 'running']);
});
