import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanOutput } from '../src/render/clean-output.ts';
import { tailOf, withoutColours } from '../src/render/tail-of.ts';

const esc = '\u001b';
const plainOf = (text: string): string => cleanOutput(text, { ansi: false });
const colouredOf = (text: string): string => cleanOutput(text, { ansi: true });
/** Escapes in tests are easier to read as `<31>`. */
const tagged = (text: string): string => colouredOf(text).replaceAll(new RegExp(`${esc}\\[([0-9;]*)m`, 'g'), '<$1>');

test.each([
  ['lines as they are', 'a\nb\n', 'a\nb\n'],
  ['line ends of DOS', 'a\r\nb\r\n', 'a\nb\n'],
  ['a progress bar', '10%\r 50%\r100%\ndone', '100%\ndone'],
  ['a shorter line over a longer one', 'loading\rok', 'okading'],
  ['a line that was erased', `loading ${esc}[2K\rok`, 'ok'],
  ['a line that was erased to its end', `loading\r${esc}[Kok`, 'ok'],
  ['a line that was erased to the cursor', `abcd\b\b${esc}[1K`, '   d'],
  ['a cursor that is sent about', `abc${esc}[2Dx${esc}[5Gy${esc}[2Cz`, 'axc y  z'],
  ['backspaces', 'abc\b\bX', 'aXc'],
  ['backspaces as man pages use them', 'N\bNA\bAM\bME\bE', 'NAME'],
  ['tabs', 'a\tb\n12345678\tc', 'a       b\n12345678        c'],
  ['a tab over what is there', 'abcdefghijk\r\tX', 'abcdefghXjk'],
  ['wide characters overwritten', '下载 1%\r下载完成', '下载完成'],
  ['half of a wide character', '下载\rx', 'x 载'],
  ['a tab after wide characters', '下载\tx', '下载    x'],
  ['marks that join the character before them', 'e\u0301\tx', 'e\u0301       x'],
  ['bells and other controls', 'a\u0007\u0000\u0001b\u007fc\u0085d', 'abcd'],
  ['a hyperlink', `${esc}]8;;http://x.example/?a=1${esc}\\text${esc}]8;;${esc}\\ more`, 'text more'],
  ['a title, ended by a bell', `${esc}]0;my title\u0007text`, 'text'],
  ['a title that never ends', `a${esc}]0;my title\nnext`, 'a\nnext'],
  ['a device control string', `a${esc}P1;2|data\nmore${esc}\\b`, 'ab'],
  ['one that never ends', `a${esc}Pdata\nnext line`, 'a\nnext line'],
  ['private modes', `${esc}[?25lhidden${esc}[?25h${esc}[>4;1m`, 'hidden'],
  ['character sets and others', `${esc}(Ba${esc}7b${esc}=c${esc}cd`, 'abcd'],
  ['eight-bit sequences', 'a\u009b31mb\u009d0;title\u0007c', 'abc'],
  ['a sequence that is cut off', `text${esc}[3`, 'text'],
  ['an escape at the end', `text${esc}`, 'text'],
  ['a sequence that is none', `a${esc}[中`, 'a中'],
  ['cursor moves out of all bounds', `${esc}[999999999Gx`, `${' '.repeat(240)}x`],
  ['characters that turn the order round', 'rm \u202efdp.exe\u2066', 'rm \ufffdfdp.exe\ufffd'],
  ['half a surrogate pair', 'a\ud83d b', 'a\ufffd b'],
  ['bytes that were no UTF-8', Buffer.from([0x61, 0xff, 0x62]).toString('utf8'), 'a\ufffdb'],
])('plain: %s', (_name, given, shown) => {
  expect(plainOf(given)).toBe(shown);
  expect(withoutColours(colouredOf(given))).toBe(shown);
});

test.each([
  ['the eight colours', `${esc}[31mred${esc}[0m plain`, '<31>red<0> plain'],
  ['bold, underlined, on a colour', `${esc}[1;4;33;44mx${esc}[m`, '<1;4;33;44>x<0>'],
  ['only what changes', `${esc}[31ma${esc}[1mb${esc}[32mc`, '<31>a<1>b<32>c<0>'],
  ['what is switched off', `${esc}[1;31ma${esc}[22mb${esc}[39mc`, '<1;31>a<0;31>b<0>c'],
  ['bright ones', `${esc}[91ma${esc}[102mb`, '<31>a<42>b<0>'],
  ['256 colours', `${esc}[38;5;9ma${esc}[38;5;46mb${esc}[48;5;21mc${esc}[38;5;255md`, '<31>a<32>b<44>c<37>d<0>'],
  ['true colours', `${esc}[38;2;255;165;0ma${esc}[38;2;0;100;0mb${esc}[38;2;20;20;20mc`, '<33>a<32>b<30>c<0>'],
  ['true colours with colons', `${esc}[38:2::0:0:200ma${esc}[48:2:200:0:0mb`, '<34>a<41>b<0>'],
  ['the colour of an underline is none of the text', `${esc}[58;5;1;4ma`, '<4>a<0>'],
  ['what cannot be shown', `${esc}[2;3;7;9;53ma`, 'a'],
  ['a colour that nothing is written in', `${esc}[31m${esc}[0mtext`, 'text'],
  ['colours over lines', `${esc}[31ma\nb\nc`, '<31>a\nb\nc<0>'],
  ['colours that were written over', `${esc}[31mred\r${esc}[32mok`, '<32>ok<31>d<0>'],
])('colours: %s', (_name, given, shown) => {
  expect(tagged(given)).toBe(shown);
});

test('a cut output begins with a whole line, or at least with no rest of a sequence', () => {
  const cut = (text: string): string => cleanOutput(text, { ansi: true, isCut: true });
  expect(cut('art of a line\nwhole\n')).toBe('whole\n');
  expect(cut('1;31mthe only line')).toBe('the only line');
  expect(cut('\ufffd\ufffd文')).toBe('文');
  expect(cut('make: done')).toBe('make: done');
});

test('a tail is whole last lines, with their colours begun again', () => {
  const text = colouredOf(`first\n${esc}[1;32msecond\nthird${esc}[0m`);
  expect(tailOf(text, 100)).toEqual({ text, left: 0 });
  expect(tailOf(text, 20)).toEqual({ text: `${esc}[1;32mthird${esc}[0m`, left: 'first\nsecond\n'.length });
  expect(tailOf('one\ntwo\nthree\n', 10)).toEqual({ text: 'two\nthree\n', left: 4 });
  expect(tailOf('one\ntwo\nthree\n', 9)).toEqual({ text: 'three\n', left: 8 });
});

test('of a last line that is too long its end is shown', () => {
  expect(tailOf('a\n0123456789', 4)).toEqual({ text: '6789', left: 8 });
  expect(tailOf('😀😀😀', 3)).toEqual({ text: '😀', left: 2 });
  expect(tailOf(colouredOf(`${esc}[31m0123456789`), 14)).toEqual({ text: `${esc}[31m56789${esc}[0m`, left: 5 });
  expect(tailOf('text', 0)).toEqual({ text: '', left: 4 });
});

const shownSgr = new RegExp(`${esc}\\[(?:0|1|4|[34][0-7])(?:;(?:0|1|4|[34][0-7]))*m`, 'g');

/** Pieces that outputs are made of, and ones that only attackers make. */
const messy = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '\n',
        '\r',
        '\t',
        '\b',
        esc,
        `${esc}[`,
        `${esc}]8;;`,
        `${esc}P`,
        `${esc}\\`,
        '\u0090',
        '\u009d',
        '文',
        '😀',
      ),
      fc.constantFrom('\u202e', `${esc}[2K`, `${esc}[5G`, `${esc}[3D`, 'word', ';', 'm', 'e\u0301', '\u200d'),
      fc.array(fc.nat(300), { maxLength: 6 }).map((codes) => `${esc}[${codes.join(';')}m`),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));
const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array).toString('utf8'));
const anything = fc.oneof(messy, bytes);

test('whatever is printed, no control character is left but line breaks and the allowed colours', () => {
  fc.assert(
    fc.property(anything, fc.boolean(), fc.boolean(), (text, ansi, isCut) => {
      const clean = cleanOutput(text, { ansi, isCut });
      const rest = ansi ? clean.replaceAll(shownSgr, '') : clean;
      expect(rest.replaceAll('\n', '')).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
      expect(clean.isWellFormed()).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('colours change nothing of the text, end where it ends, and cleaning again changes nothing', () => {
  fc.assert(
    fc.property(anything, (text) => {
      const coloured = colouredOf(text);
      expect(withoutColours(coloured)).toBe(plainOf(text));
      expect(plainOf(coloured)).toBe(plainOf(text));
      expect(plainOf(plainOf(text))).toBe(plainOf(text));
      const [last] = [...coloured.matchAll(shownSgr)].slice(-1);
      expect(last?.[0] ?? `${esc}[0m`).toBe(`${esc}[0m`);
    }),
    { numRuns: 2_000 },
  );
});

test('a tail is a suffix of the cleaned text, no longer than promised, and looks as it did there', () => {
  fc.assert(
    fc.property(anything, fc.nat(80), fc.boolean(), (text, most, ansi) => {
      const clean = cleanOutput(text, { ansi });
      const tail = tailOf(clean, most);
      expect(tail.text.length).toBeLessThanOrEqual(most);
      const [shown, whole] = [withoutColours(tail.text), withoutColours(clean)];
      expect(whole.endsWith(shown)).toBe(true);
      expect(tail.text.isWellFormed()).toBe(true);
      expect(tail.left + [...shown].length).toBe([...whole].length);
      // The same characters in the same colours: the end of what a terminal would have.
      expect(pensOf(clean).slice(whole.length - shown.length)).toEqual(pensOf(tail.text));
      expect(tail.text.replaceAll(shownSgr, '')).not.toContain(esc);
    }),
    { numRuns: 3_000 },
  );
});

/** The colours of each character. */
function pensOf(text: string): readonly string[] {
  const pens: string[] = [];
  let pen: readonly string[] = [];
  for (const [, codes, character] of text.matchAll(new RegExp(`${esc}\\[([0-9;]*)m|([^])`, 'g'))) {
    for (const code of codes?.split(';') ?? []) {
      if (code === '0') pen = [];
      // A colour takes the place of another of its kind: 40 that of 41, and 4 that of none.
      else pen = [...pen.filter((each) => code.length === 1 || each.length === 1 || each[0] !== code[0]), code];
    }
    if (character !== undefined) pens.push([...new Set(pen)].toSorted().join(';'));
  }
  return pens;
}

test('whole lines, where the last one fits', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{0,12}$/), { maxLength: 20 }),
      fc.integer({ min: 13, max: 60 }),
      (lines, most) => {
        const text = `${lines.join('\n')}x`;
        const { text: shown } = tailOf(text, most);
        expect(`\n${text}`.endsWith(`\n${shown}`)).toBe(true);
      },
    ),
  );
});

test('a long output of the worst kind is cleaned in a moment', () => {
  for (const piece of [
    `${esc}P`,
    '\u0090',
    `${esc}]`,
    '\u009da\n',
    `${esc}[31m`,
    ' ',
    '\ta\r',
    'a\u0301',
    `${esc}[`,
    '\u0301',
  ]) {
    const text = piece.repeat(60_000);
    const start = performance.now();
    tailOf(colouredOf(text), 1_000);
    expect([piece, performance.now() - start < 5_000]).toEqual([piece, true]);
  }
});
