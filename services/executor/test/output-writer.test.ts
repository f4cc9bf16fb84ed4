import { MoltError, systemClock } from '@moltbot/shared';
import type { AppendOutcome, OutputChunk } from '@moltbot/store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOutputWriter } from '../src/output-writer.ts';

const token = { tenant: 'default', runId: 'run.0', fence: 1 };

/** What a store keeps under explicit offsets, with failures to order. */
function createTape(failures: (call: number) => 'down' | 'answer-lost' | 'fenced' | undefined = () => undefined) {
  const kept: OutputChunk[] = [];
  let bytes = 0;
  let calls = 0;
  const store = {
    async appendOutput(_token: unknown, at: number, chunks: readonly OutputChunk[]): Promise<AppendOutcome> {
      calls += 1;
      const failure = failures(calls);
      if (failure === 'down') throw new MoltError('MOLT_STORE_DOWN', 'down');
      if (failure === 'fenced') return { kind: 'fenced' };
      if (at !== bytes) return { kind: 'gap', storedBytes: bytes };
      // As a store does: what it was given is the writer's to use again.
      kept.push(...chunks.map(({ stream, data }) => ({ stream, data: Buffer.from(data) })));
      bytes += chunks.reduce((sum, { data }) => sum + data.length, 0);
      if (failure === 'answer-lost') throw new MoltError('MOLT_STORE_DOWN', 'the answer was lost');
      return { kind: 'ok' };
    },
  };
  const text = (rest: readonly OutputChunk[], stream: 'stdout' | 'stderr'): string =>
    Buffer.concat([...kept, ...rest].flatMap((chunk) => (chunk.stream === stream ? [chunk.data] : []))).toString();
  return { store, text, bytes: () => bytes };
}

const clock = { ...systemClock, sleep: (_ms: number) => systemClock.sleep(0) };

test('every byte is stored once and in order, whatever the store does to the appends', async () => {
  const write = fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    size: fc.integer({ min: 1, max: 60_000 }),
  });
  const faults = fc.array(fc.constantFrom(undefined, 'down' as const, 'answer-lost' as const), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 20 }), faults, async (writes, failures) => {
      const tape = createTape((call) => failures[call - 1]);
      const writer = createOutputWriter({
        store: tape.store,
        clock,
        token,
        capBytes: 10_000_000,
        onFenced: () => expect.unreachable(),
      });
      const expected = { stdout: '', stderr: '' };
      for (const [index, { stream, size }] of writes.entries()) {
        const text = String(index % 10).repeat(size);
        expected[stream] += text;
        await writer.write(stream, Buffer.from(text));
      }
      const rest = await writer.end();
      expect(rest.at).toBe(tape.bytes());
      expect(tape.text(rest.chunks, 'stdout')).toBe(expected.stdout);
      expect(tape.text(rest.chunks, 'stderr')).toBe(expected.stderr);
      expect(writer.truncated()).toBe(false);
    }),
    { numRuns: 100 },
  );
});

test('beyond the cap output is dropped and said, and the writer never waits for it', async () => {
  const tape = createTape();
  const writer = createOutputWriter({
    store: tape.store,
    clock,
    token,
    capBytes: 10,
    onFenced: () => expect.unreachable(),
  });
  await writer.write('stdout', Buffer.from('12345678'));
  await writer.write('stderr', Buffer.from('abcd'));
  await writer.write('stdout', Buffer.from('more'));
  const rest = await writer.end();
  expect([tape.text(rest.chunks, 'stdout'), tape.text(rest.chunks, 'stderr')]).toEqual(['12345678', 'ab']);
  expect(writer.truncated()).toBe(true);
});

test('a fenced writer says so once and writes no more', async () => {
  const fenced: string[] = [];
  const tape = createTape(() => 'fenced');
  const writer = createOutputWriter({
    store: tape.store,
    clock,
    token,
    capBytes: 1e9,
    onFenced: () => fenced.push('fenced'),
  });
  for (let n = 0; n < 10; n += 1) await writer.write('stdout', Buffer.alloc(64 * 1024));
  const rest = await writer.end();
  expect([fenced, tape.bytes(), rest.chunks]).toEqual([['fenced'], 0, []]);
});

test('a slow store holds the command back instead of filling memory', async () => {
  const gate = Promise.withResolvers<void>();
  const store = { appendOutput: () => gate.promise.then((): AppendOutcome => ({ kind: 'ok' })) };
  const writer = createOutputWriter({ store, clock, token, capBytes: 1e9, onFenced: () => expect.unreachable() });
  let written = 0;
  const producing = (async () => {
    for (let n = 0; n < 100; n += 1) {
      await writer.write('stdout', Buffer.alloc(32 * 1024));
      written += 1;
    }
  })();
  await systemClock.sleep(100);
  expect(written).toBeLessThanOrEqual(8);
  gate.resolve();
  await producing;
  expect((await writer.end()).at + 100).toBeGreaterThan(0);
});
