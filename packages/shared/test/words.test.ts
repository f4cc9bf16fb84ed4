import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, formatSize, hasCode, nearest, parseDuration, parseSize } from '../src/index.ts';

const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('durations', () => {
  test('any number of ms, written out, is read as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test('parts add up', () => {
    const part = fc.tuple(fc.integer({ min: 0, max: 999 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const texts = parts.map(([amount, unit]) => `${amount}${unit}`);
        const sum = texts.reduce((total, text) => total + parseDuration(text), 0);
        expect(parseDuration(texts.join(''))).toBe(sum);
      }),
    );
  });

  test('known values', () => {
    expect(['250ms', '1.5s', '1h30m', '7d', '0s'].map(parseDuration)).toEqual([250, 1_500, 5_400_000, 604_800_000, 0]);
    expect([0, 90_000, 86_400_001].map(formatDuration)).toEqual(['0s', '1m30s', '1d1ms']);
  });

  test.each(['', '30', 's', '-1s', '1 s', '1S', '1s ', '1w', '.5s', '1e3s'])('%j is none', (text) => {
    expect(
      hasCode(
        thrownBy(() => parseDuration(text)),
        'MOLT_BAD_DURATION',
      ),
    ).toBe(true);
  });
});

describe('sizes', () => {
  test('any number of bytes, written out, is read as the same', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.constantFrom(1, 2 ** 10, 2 ** 20, 2 ** 30),
        (amount, unit) => {
          const bytes = Math.floor(amount / unit) * unit;
          expect(parseSize(formatSize(bytes))).toBe(bytes);
        },
      ),
    );
  });

  test('known values', () => {
    expect(['0B', '512B', '64KiB', '1.5MiB', '1GiB'].map(parseSize)).toEqual([
      0, 512, 65_536, 1_572_864, 1_073_741_824,
    ]);
    expect([0, 1023, 1024, 1_572_864, 2 ** 30].map(formatSize)).toEqual(['0B', '1023B', '1KiB', '1536KiB', '1GiB']);
  });

  test.each(['', '64', '64KB', '64kib', '-1B', '1 B', '1KiB1B'])('%j is none', (text) => {
    expect(
      hasCode(
        thrownBy(() => parseSize(text)),
        'MOLT_BAD_CONFIG',
      ),
    ).toBe(true);
  });
});

test('the nearest word is the one with the fewest changes, and none when all are far', () => {
  expect(nearest('prot', ['pool', 'host', 'port'])).toBe('port');
  expect(nearest('hostt', ['port', 'host'])).toBe('host');
  expect(nearest('zzzzzz', ['host', 'port'])).toBeUndefined();
  expect(nearest('x', [])).toBeUndefined();
});
