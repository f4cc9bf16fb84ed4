/** What may stand in a template for words: `{1}`, `{2}` … `{99}`, and `{*}` for the others. */
export const placeholder: RegExp = /\{([1-9]\d?|\*)\}/g;

/** A shell needs no quotes for it, wherever it stands. */
const plainWord = /^[A-Za-z0-9_@%+:,./-]+$/;
const reserved = new Set(
  'if then else elif fi do done case esac while until for in time function select coproc'.split(' '),
);

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** A word for POSIX sh, in quotes when it needs them. */
export const toShellWord = (word: string): string => (plainWord.test(word) && !reserved.has(word) ? word : quote(word));

/** Where in a command line one is. `unsure`: a place where quotes do not mean what they say, to one shell or another. */
type State = 'plain' | 'single' | 'double' | 'backticks' | 'comment' | 'unsure';

/** The placeholder that stands where a word cannot be quoted. */
export interface Unquotable {
  readonly place: string;
}

/**
 * Fills words into a shell command line so that each stays one word, also where the template has quotes around the placeholder:
 * `echo "for {1}"`. `wordsOf` gives the words of a placeholder: `1`, `*`.
 */
export function fillShellLine(template: string, wordsOf: (name: string) => readonly string[]): string | Unquotable {
  const scanner = createScanner(template);
  let line = '';
  let at = 0;
  for (const match of template.matchAll(placeholder)) {
    const [place, name = ''] = match;
    const state = scanner.stateAt(match.index);
    const before = template.charAt(match.index - 1);
    if (!mayFill(state, before)) return { place };
    const end = match.index + place.length;
    line += template.slice(at, match.index) + fill(state, wordsOf(name), template.charAt(end));
    scanner.skipTo(end);
    at = end;
  }
  return line + template.slice(at);
}

// After a backslash or a dollar the quotes that are put in would be others.
const mayFill = (state: State, before: string): boolean =>
  (state === 'plain' || state === 'single' || state === 'double') && (state === 'single' || !/[\\$]/.test(before));

function fill(state: State, words: readonly string[], after: string): string {
  if (state === 'single') return words.join(' ').replaceAll("'", "'\\''");
  if (state === 'double') return words.length === 0 ? '' : `"${quote(words.join(' '))}"`;
  // `2` before `>` would be a descriptor, and `name` before `=` or `(` something to be set.
  return words.map((word) => (/[=<>(]/.test(after) ? quote(word) : toShellWord(word))).join(' ');
}

interface Scanner {
  /** The state at an index that is not before the last one asked for. */
  stateAt(index: number): State;
  /** Goes on behind a placeholder. */
  skipTo(index: number): void;
}

/** Follows the quotes of a command line. What it does not follow for certain makes it unsure to the end. */
function createScanner(line: string): Scanner {
  // What `$(` and `(` are in, from the outside to the inside.
  const states: State[] = ['plain'];
  let at = 0;
  let hasHereDocument = false;
  const state = (): State => states[states.length - 1] ?? 'plain';
  const has = (text: string): boolean => line.startsWith(text, at);

  const enter = (next: State, length = 1): void => {
    states.push(next);
    at += length;
  };
  const leave = (): void => {
    if (states.length > 1) states.pop();
    at += 1;
  };

  const stepPlain = (): void => {
    if (line.charAt(at) === '\\') at += 2;
    else if (has('$(') && !has('$((') && !/\bcase\b/.test(line)) enter('plain', 2);
    else if (has('$(') || has('((') || has("$'") || has('$[')) enter('unsure');
    else if (has('${')) stepBraces();
    else if (has("'")) enter('single');
    else if (has('"')) enter('double');
    else if (has('`')) enter('backticks');
    else if (has('(')) enter('plain');
    else if (has(')')) leave();
    else if (has('#') && /\\\n$/.test(line.slice(0, at))) enter('unsure');
    else if (has('#') && /^[\s;&|()<>]?$/.test(line.charAt(at - 1))) enter('comment');
    else if (has('<<') && !has('<<<')) startHereDocument();
    else if (has('<<<')) at += 3;
    else if (has('\n') && hasHereDocument) enter('unsure');
    else at += 1;
  };

  const startHereDocument = (): void => {
    hasHereDocument = true;
    at += 2;
  };

  const stepDouble = (): void => {
    if (line.charAt(at) === '\\') at += 2;
    else if (has('$(') && !has('$((') && !/\bcase\b/.test(line)) enter('plain', 2);
    else if (has('$(') || has('$[')) enter('unsure');
    else if (has('${')) stepBraces();
    else if (has('`')) enter('backticks');
    else if (has('"')) leave();
    else at += 1;
  };

  /** `${name}` and what is as simple. */
  const stepBraces = (): void => {
    const simple = /^\$\{[^{}'"`\\$]*\}/.exec(line.slice(at))?.[0];
    if (simple === undefined) enter('unsure');
    else at += simple.length;
  };

  const steps: Readonly<Record<State, () => void>> = {
    plain: stepPlain,
    double: stepDouble,
    single: () => (has("'") ? leave() : stepOne()),
    backticks: () => (has('\\') ? stepTwo() : has('`') ? leave() : stepOne()),
    // The line break is the command's again.
    comment: () => (has('\n') ? states.pop() : stepOne()),
    unsure: () => stepOne(),
  };
  const stepOne = (): void => {
    at += 1;
  };
  const stepTwo = (): void => {
    at += 2;
  };

  return {
    stateAt(index) {
      while (at < index) steps[state()]();
      // It went past: the placeholder is part of something else, such as `\{1}` or `${1}`.
      return at === index ? state() : 'unsure';
    },
    skipTo(index) {
      at = index;
    },
  };
}
