import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFrameCutter } from '../../src/transports/shell/frames.ts';

const nonce = '0123456789abcdef0123456789abcdef';
const mark = `\x1eMOLT ${nonce} `;

/** Output that is made to be taken for frames. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\x1e',
        '\x1eMOLT',
        '\x1eMOLT ',
        '\n',
        `\x1eMOLT ${nonce}`,
        `\x1eMOLT ${'0'.repeat(32)} end 0 0\n`,
      ),
      fc.integer({ min: 0, max: mark.length - 1 }).map((length) => mark.slice(0, length)),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
  )
  .map((parts) => parts.join(''))
  .filter((text) => !text.includes(mark));
const frame = fc.constantFrom('started 17', 'end 0 0', 'at 0 12', 'refuse noguard a b');

test('output and frames come out as they went in, wherever they are split', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(hostile, frame), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
      async (parts, sizes) => {
        const sent = Buffer.from(parts.map(([text, words]) => `${text}${mark}${words}\n`).join(''));
        const got: string[] = [];
        let data: Buffer[] = [];
        const cutter = createFrameCutter(nonce, {
          data: async (chunk) => void data.push(Buffer.from(chunk)),
          frame: (words) => {
            got.push(Buffer.concat(data).toString(), words.join(' '));
            data = [];
          },
        });
        for (let at = 0, i = 0; at < sent.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          await cutter.push(sent.subarray(at, at + size));
          at += size;
        }
        expect(got).toEqual(parts.flatMap(([text, words]) => [Buffer.from(text).toString(), words]));
        expect(data).toEqual([]);
      },
    ),
    { numRuns: 500 },
  );
});

test('a large chunk is not copied, and nothing that cannot begin a frame is held back', async () => {
  const chunk = Buffer.alloc(1_000_000, 'x');
  const seen: Buffer[] = [];
  const cutter = createFrameCutter(nonce, { data: async (data) => void seen.push(data), frame: () => {} });
  await cutter.push(chunk);
  await cutter.push(Buffer.from('a\x1eMOLT b'));
  expect(seen[0]?.buffer).toBe(chunk.buffer);
  expect(Buffer.concat(seen.slice(1)).toString()).toBe('a\x1eMOLT b');
});
