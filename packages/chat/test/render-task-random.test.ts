import { type RunRecord, runStates } from '@moltbot/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { detailsToMessages } from '../src/render/details-to-messages.ts';
import { withoutColours } from '../src/render/tail-of.ts';
import { taskToMessage } from '../src/render/task-to-message.ts';
import { runOf, viewOf } from './render-lab.ts';
import { expectPromises } from './render-promises.ts';

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.lorem({ maxCount: 40 }),
  fc.constant('\u001b[31m@everyone\n'.repeat(50)),
);
const runArbitrary = (index: number): fc.Arbitrary<RunRecord> =>
  fc
    .record({
      state: fc.constantFrom(...runStates),
      target: fc.oneof(fc.constant(`web-${index}`), nasty),
      exitCode: fc.option(fc.nat(255), { nil: undefined }),
      signal: fc.option(nasty, { nil: undefined }),
      message: fc.option(nasty, { nil: undefined }),
      data: fc.option(fc.jsonValue() as fc.Arbitrary<RunRecord['data']>, { nil: undefined }),
      attempts: fc.nat(3),
      stdoutBytes: fc.nat(500),
    })
    .map(({ message, ...rest }) =>
      runOf(index, rest.state, {
        ...rest,
        ...(message !== undefined && { error: { code: 'MOLT_RUN_LOST', message, remedy: message } }),
      }),
    );

test('whatever hosts, people and plugins put into it, a message keeps its promises', () => {
  const view = fc.record({
    runs: fc
      .integer({ min: 1, max: 16 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => runArbitrary(at)))),
    tails: fc.array(fc.record({ stdout: nasty, stderr: nasty }), { maxLength: 16 }),
    command: nasty,
    on: nasty,
    tailCharacters: fc.integer({ min: 0, max: 400 }),
    hasAnsi: fc.boolean(),
    language: fc.constantFrom('en' as const, 'zh-CN' as const),
    cancelRequested: fc.boolean(),
  });
  fc.assert(
    fc.property(view, ({ runs, tails, command, on, tailCharacters, hasAnsi, language, cancelRequested }) => {
      const limits = { tailCharacters, hasAnsi };
      const seen = viewOf(runs, { ...tails }, { limits, language, cancelRequested, task: { args: { command }, on } });
      const message = taskToMessage(seen);
      expectPromises(message, tailCharacters);
      if (!hasAnsi) for (const { text } of message.code ?? []) expect(withoutColours(text)).toBe(text);
      for (const page of detailsToMessages(seen)) expectPromises(page);
    }),
    { numRuns: 150 },
  );
});
