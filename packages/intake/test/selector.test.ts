import { hasCode, isMoltError, matchesGlob, type Target } from '@moltbot/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selectTargets } from '../src/index.ts';

const target = (name: string, labels: Record<string, string> = {}): Target => ({
  transport: 'local',
  name,
  labels,
  pool: 'default',
});

const inventory = [
  target('web-1', { env: 'prod', zone: 'a' }),
  target('web-2', { env: 'prod', zone: 'b' }),
  target('web-canary', { env: 'prod' }),
  target('db-1', { env: 'prod', role: 'primary' }),
  target('db-2', { env: 'stage' }),
];

const names = (selector: string): string[] => selectTargets(selector, inventory).map(({ name }) => name);

describe('a selector', () => {
  test.each([
    ['web-1', ['web-1']],
    ['web-*', ['web-1', 'web-2', 'web-canary']],
    ['web-* env=prod !web-canary', ['web-1', 'web-2']],
    ['web-?', ['web-1', 'web-2']],
    ['all', ['web-1', 'web-2', 'web-canary', 'db-1', 'db-2']],
    ['web-1, db-1', ['web-1', 'db-1']],
    ['web-1 or db-1', ['web-1', 'db-1']],
    ['web-* & zone=a | db-2', ['web-1', 'db-2']],
    ['(web-* , db-*) env!=prod', ['db-2']],
    ['role!=primary db-*', ['db-2']],
    ['env="prod" role=prim*', ['db-1']],
    ['not-a-word,web-1', ['web-1']],
    ['!(web-*)', ['db-1', 'db-2']],
    ['web-* and zone=b', ['web-2']],
  ])('%s', (selector, expected) => {
    expect(names(selector)).toEqual(expected);
  });

  test.each([
    ['', 'the selector is empty', 1],
    ['web-1 (', 'expected a name', 8],
    ['(web-1', 'expected ")"', 7],
    ['env=', 'expected a name or a value, found the end', 5],
    ['web-1 ;', '";" has no meaning here', 7],
    ['env="prod', 'the quote is not closed', 5],
    ['web-1 )', 'expected the end, found ")"', 7],
    ['!', 'expected a name', 2],
    ['x'.repeat(600), 'longer than 512', 513],
    [`${'('.repeat(20)}a${')'.repeat(20)}`, 'nested deeper than 16', 18],
  ])('%s is refused with its place', (selector, message, column) => {
    const error = refusal(selector);
    expect(error.code).toBe('MOLT_BAD_SELECTOR');
    expect(error.message).toContain(message);
    expect(error.places[0]).toMatchObject({ path: '/on', message: expect.stringContaining(`column ${column}:`) });
  });

  test.each([
    ['web-9', 'none of the 5 targets is named "web-9"'],
    ['env=dev', 'no target has env=dev; values of "env": prod, stage'],
    ['team=x', 'no target has the label "team"'],
    ['web-* env=stage', '"env=stage" removed the last 3'],
    ['web-1 web-2', '"web-2" removed the last 1; a space means and: write a comma for or'],
    ['!all', 'leaves out all 5'],
  ])('%s matches nothing, and the part is named', (selector, why) => {
    const error = refusal(selector);
    expect(error.code).toBe('MOLT_NO_TARGETS');
    expect(error.message).toContain(why);
  });

  test('never throws anything but its own errors, whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab*?!(),=&| "-'), maxLength: 40 }), (text) => {
        try {
          selectTargets(text, inventory);
        } catch (error) {
          expect(hasCode(error, 'MOLT_BAD_SELECTOR') || hasCode(error, 'MOLT_NO_TARGETS')).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a glob', () => {
  test('agrees with the regular expression of the same meaning', () => {
    const unit = fc.constantFrom('a', 'b', '*', '?');
    fc.assert(
      fc.property(
        fc.string({ unit, maxLength: 6 }),
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }),
        (pattern, text) => {
          const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
          expect(matchesGlob(pattern, text)).toBe(expression.test(text));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('a hostile pattern is answered at once', () => {
    const before = performance.now();
    expect(matchesGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(128))).toBe(false);
    // Tried in every way it would take years.
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

function refusal(selector: string) {
  try {
    selectTargets(selector, inventory);
  } catch (error) {
    if (isMoltError(error)) return error;
    throw error;
  }
  throw new Error(`${selector} was accepted`);
}
