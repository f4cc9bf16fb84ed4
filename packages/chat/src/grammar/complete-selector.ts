import { selectTargets } from '@moltbot/intake';
import type { Target } from '@moltbot/shared';
import { normaliseSelector } from './characters.ts';
import { bestOf } from './rank.ts';

/** A selector, and how it is shown. */
interface Choice {
  readonly label: string;
  readonly value: string;
}

/**
 * Completes the last term of a selector: names, groups of names (`web-*`), labels. Only what selects something, with how many in the label.
 * What was typed comes first where its last term is whole.
 */
export function completeSelector(
  typed: string,
  { targets, max, maxLength }: { targets: readonly Target[]; max: number; maxLength: number },
): readonly Choice[] {
  const normal = normaliseSelector(typed);
  // A space at the end begins a term.
  const text = normal !== '' && /\s$/.test(typed) ? `${normal} ` : normal;
  if (text.length > maxLength) return [];
  const [, before = '', last = ''] = lastTerm.exec(text) ?? [];
  const terms = bestOf(last, termsOf(targets), (term) => term);
  const choices: Choice[] = [];
  const seen = new Set<string>();
  const isWhole = last === '' || countOf(last, targets) > 0;
  for (const candidate of [...(isWhole ? [normal] : []), ...terms.map((term) => before + term)]) {
    if (choices.length === max) break;
    const value = closed(candidate);
    if (value === '' || value.length > maxLength || seen.has(value)) continue;
    seen.add(value);
    const count = countOf(value, targets);
    if (count > 0) choices.push({ label: value.length + 8 > maxLength ? value : `${value} (${count})`, value });
  }
  return choices;
}

/** What comes before the last term of a selector, and that; a quoted value is one piece. */
const lastTerm = /^((?:"[^"]*"|[^"])*[\s,(!|&])?((?:"[^"]*"?|[^\s,(!|&"])*)$/s;

/** What is open is closed, as far as that can be known. */
function closed(selector: string): string {
  const open = selector.split('(').length - selector.split(')').length;
  return selector + ')'.repeat(Math.max(0, open));
}

function countOf(selector: string, targets: readonly Target[]): number {
  try {
    return selectTargets(selector, targets).length;
  } catch {
    // It is no selector, or selects nothing.
    return 0;
  }
}

/** Terms of their own: all, groups before the names in them, then labels. */
function termsOf(targets: readonly Target[]): readonly string[] {
  const names = targets.map(({ name }) => name).sort(compare);
  const groups = Map.groupBy(names, stemOf);
  const globs = [...groups].filter(([stem, members]) => stem !== '' && members.length > 1).map(([stem]) => `${stem}*`);
  const labels = new Set(targets.flatMap(({ labels }) => Object.entries(labels).map(labelTerm)));
  return ['all', ...globs, ...[...labels].filter((term) => term !== '').sort(compare), ...names];
}

/** `web-` of `web-12` and `web-12-b`. */
const stemOf = (name: string): string => /^(.*?)\d/.exec(name)?.[1] ?? '';

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** As a selector has it; nothing where it cannot be written. */
function labelTerm([key, value]: readonly [string, string]): string {
  if (!plain.test(key) || value.includes('"')) return '';
  return plain.test(value) ? `${key}=${value}` : `${key}="${value}"`;
}

const plain = /^[A-Za-z0-9._:/@-]+$/;
