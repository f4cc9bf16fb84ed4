import type { OutputStream } from '@moltbot/plugin-sdk';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createReplay } from '../src/replay.ts';

const streams = ['stdout', 'stderr'] as const;

/** What an action does: it writes by itself, or a command of it prints. */
const part = fc.record({
  by: fc.constantFrom('action' as const, 'command' as const),
  stdout: fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
  stderr: fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
});

const whole = (parts: readonly { readonly [S in OutputStream]: string }[], stream: OutputStream): string =>
  parts.map((one) => one[stream]).join('');

test('whatever was stored and wherever the commands begin again, each byte arrives once', () => {
  const cuts = fc.array(fc.nat(30), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), fc.nat(120), fc.nat(120), cuts, (parts, out, err, breaks) => {
      const stored = {
        stdout: Math.min(out, whole(parts, 'stdout').length),
        stderr: Math.min(err, whole(parts, 'stderr').length),
      };
      const replay = createReplay(stored);
      const fresh = { stdout: '', stderr: '' };
      let nthBreak = 0;
      const nextBreak = (): number => breaks[nthBreak++ % breaks.length] ?? 0;
      for (const one of parts) {
        if (one.by === 'action') {
          for (const stream of streams) fresh[stream] += replay.fresh(stream, Buffer.from(one[stream])).toString();
          continue;
        }
        const command = replay.command();
        // It is attached to twice, the second time where the link broke or before it.
        for (const isLast of [false, true]) {
          const from = command.from();
          const back = isLast ? 0 : nextBreak();
          const at = {
            stdout: Math.max(0, Math.min(from.stdout, one.stdout.length) - back),
            stderr: Math.max(0, Math.min(from.stderr, one.stderr.length) - back),
          };
          command.attachedAt(at);
          for (const stream of streams) {
            const piece = one[stream].slice(at[stream], isLast ? undefined : at[stream] + nextBreak());
            if (piece) fresh[stream] += command.fresh(stream, Buffer.from(piece)).toString();
          }
        }
        command.end();
      }
      for (const stream of streams) expect(fresh[stream]).toBe(whole(parts, stream).slice(stored[stream]));
    }),
    { numRuns: 500 },
  );
});
