import type { AnyAction } from '@moltbot/plugin-sdk';
import { type AliasConfig, nearest } from '@moltbot/shared';
import { toAscii } from './characters.ts';
import { type Verb, verbNames, verbOf, verbs } from './verbs.ts';

/** What commands can be made of, beside the verbs. */
export interface Vocabulary {
  readonly actions: readonly AnyAction[];
  /** Of the tenant. */
  readonly aliases: readonly AliasConfig[];
}

/** What a command is understood with. */
export interface GrammarContext extends Vocabulary {
  /** The attached text files. */
  readonly scripts: readonly Script[];
}

export interface Script {
  readonly name: string;
  readonly text: string;
}

/** What a command may begin with. `name` is valid as the name of a slash command. */
export type Entry = { readonly name: string } & Meaning;

type Meaning =
  | { readonly kind: 'verb'; readonly verb: Verb }
  | { readonly kind: 'alias'; readonly alias: AliasConfig }
  | { readonly kind: 'action'; readonly action: AnyAction };

/** How it is written in a text. */
export const writtenOf = (entry: Entry): string => (entry.kind === 'action' ? entry.action.name : entry.name);

/** All of them in stable order; of two of the same name the one that stands first in `verbs, aliases, actions` has it. */
export function entriesOf({ actions, aliases }: Vocabulary): readonly Entry[] {
  const entries: Entry[] = verbNames.map((verb) => ({ kind: 'verb', verb, name: verb }));
  const taken = new Set<string>(verbNames);
  for (const alias of [...aliases].sort(byName)) {
    if (taken.has(alias.name)) continue;
    taken.add(alias.name);
    entries.push({ kind: 'alias', alias, name: alias.name });
  }
  for (const action of [...actions].sort(byName)) {
    entries.push({ kind: 'action', action, name: uniqueName(toSlug(action.name, 'action'), taken) });
  }
  return entries;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

const maxSlugLength = 32;

/** A name that platforms take for commands and options: `system.status` → `system-status`, `dryRun` → `dry-run`. */
export function toSlug(name: string, otherwise: string): string {
  const words = name.replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1-$2').toLowerCase();
  const slug = [...words.replace(/[^-_\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '')].slice(0, maxSlugLength).join('');
  return slug === '' ? otherwise : slug;
}

/** The slug, or with a number where it is taken; it is taken then. */
export function uniqueName(slug: string, taken: Set<string>): string {
  let name = slug;
  for (let number = 2; taken.has(name); number += 1) {
    const suffix = `-${number}`;
    name = [...slug].slice(0, maxSlugLength - suffix.length).join('') + suffix;
  }
  taken.add(name);
  return name;
}

/** What a word stands for, in any case and either language; an action by its name or its slug. */
export function findEntry(word: string, vocabulary: Vocabulary): Entry | undefined {
  const plain = toAscii(word).toLowerCase();
  const verb = verbOf(plain);
  const entries = entriesOf(vocabulary);
  if (verb) return entries.find((entry) => entry.kind === 'verb' && entry.verb === verb);
  return (
    entries.find((entry) => entry.kind === 'action' && entry.action.name === word) ??
    entries.find((entry) => writtenOf(entry).toLowerCase() === plain) ??
    entries.find((entry) => entry.name === plain)
  );
}

/** What somebody probably meant who wrote a word that stands for nothing. */
export function meantEntry(word: string, vocabulary: Vocabulary): string | undefined {
  const written = entriesOf(vocabulary).map(writtenOf);
  const plain = toAscii(word).toLowerCase();
  const byEnd = written.find((name) => name.toLowerCase().endsWith(`.${plain}`));
  return byEnd ?? meantOf(plain, [...written, ...verbNames.map((verb) => verbs[verb].name)]);
}

const maxWordLength = 64;

/** The candidate that was probably meant: near, and with half of its letters at least, since short words are near to each other. */
export function meantOf(word: string, candidates: readonly string[]): string | undefined {
  if (word === '' || word.length > maxWordLength) return undefined;
  return nearest(
    word,
    candidates.filter((candidate) => lettersInCommon(word, candidate) * 2 >= Math.max(word.length, candidate.length)),
  );
}

function lettersInCommon(word: string, other: string): number {
  const left = [...other];
  let common = 0;
  for (const letter of word) {
    const at = left.indexOf(letter);
    if (at < 0) continue;
    left.splice(at, 1);
    common += 1;
  }
  return common;
}
