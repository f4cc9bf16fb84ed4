import type { AliasConfig } from '@moltbot/shared';
import { fillShellLine, placeholder, type Unquotable } from './aliases-quote.ts';

/** How many words an alias wants. */
export interface WordCount {
  /** The highest number of its placeholders. */
  readonly numbered: number;
  /** `{*}` is there: more words may follow. */
  readonly rest: boolean;
}

/** An action that has a shell command line for an argument. */
export const shellAction = 'shell.run';
export const shellArgument = 'command';

export function wordCountOf({ args }: AliasConfig): WordCount {
  const names = [...textsIn(args)].flatMap((text) => [...text.matchAll(placeholder)].map(([, name]) => name));
  return { numbered: Math.max(0, ...names.map(Number).filter((number) => number > 0)), rest: names.includes('*') };
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const member of Object.values(value)) yield* textsIn(member);
}

/** What is written after the word of an alias. */
export function aliasUsage(alias: AliasConfig): string {
  if (alias.usage.trim() !== '') return alias.usage.trim();
  const { numbered, rest } = wordCountOf(alias);
  const words = Array.from({ length: numbered }, (_, index) => `WORD${index + 1}`);
  return [...words, ...(rest ? ['[WORDS…]'] : [])].join(' ');
}

export interface FilledArgument {
  readonly name: string;
  readonly value: unknown;
  /** Words are in it: its text is what somebody typed, of no type yet. */
  readonly typed: boolean;
  /** It is `{*}` alone: the words of it. */
  readonly rest?: readonly string[] | undefined;
}

/**
 * The arguments of an alias with the words of a command: as many as it wants. In a shell command line each stays one word.
 * @returns the placeholder that cannot be filled, where the template is wrong
 */
export function fillAlias(alias: AliasConfig, words: readonly string[]): readonly FilledArgument[] | Unquotable {
  const { numbered } = wordCountOf(alias);
  const wordsOf: WordsOf = (name) =>
    name === '*' ? words.slice(numbered) : words.slice(Number(name) - 1, Number(name));
  const filled: FilledArgument[] = [];
  for (const [name, template] of Object.entries(alias.args)) {
    if (alias.action === shellAction && name === shellArgument && typeof template === 'string') {
      const line = fillShellLine(template, wordsOf);
      if (typeof line !== 'string') return line;
      filled.push({ name, value: line, typed: false });
    } else {
      const typed = typeof template === 'string' && template.search(placeholder) >= 0;
      const rest = template === '{*}' ? { rest: wordsOf('*') } : {};
      filled.push({ name, value: fillValue(template, wordsOf), typed, ...rest });
    }
  }
  return filled;
}

type WordsOf = (name: string) => readonly string[];

function fillValue(template: unknown, wordsOf: WordsOf): unknown {
  if (typeof template === 'string') return template.replace(placeholder, (_, name: string) => wordsOf(name).join(' '));
  if (Array.isArray(template)) {
    return template.flatMap((member: unknown): readonly unknown[] =>
      member === '{*}' ? wordsOf('*') : [fillValue(member, wordsOf)],
    );
  }
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([name, member]) => [name, fillValue(member, wordsOf)]));
}
