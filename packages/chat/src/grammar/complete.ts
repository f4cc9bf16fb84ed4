import type { Target } from '@moltbot/shared';
import type { Completion } from '../incoming.ts';
import { completeSelector } from './complete-selector.ts';
import { bestOf } from './rank.ts';
import { usageOf } from './usage-of.ts';
import type { UsageOption } from './verb-options.ts';
import { findEntry, type Vocabulary } from './vocabulary.ts';

/** What may be taken for what was typed. */
export interface Choice {
  /** At most 100 characters. */
  readonly label: string;
  /** At most 100 characters. */
  readonly value: string;
}

/** Something that is asked for by its id. */
interface Known {
  readonly id: string;
  readonly label: string;
}

export interface CompletionContext extends Vocabulary {
  /** That whoever types may see. */
  readonly targets: readonly Target[];
  /** The newest first. */
  readonly tasks: readonly Known[];
  /** By id. */
  readonly schedules: readonly Known[];
}

/** Platforms show no more of them, and no longer ones. */
const maxChoices = 25;
const maxChoiceLength = 100;

/** What could be written into an option, best match first, at most 25. Of targets: valid selectors that select something. */
export function complete(
  { verb, option, typed }: Pick<Completion, 'verb' | 'option' | 'typed'>,
  context: CompletionContext,
): readonly Choice[] {
  const entry = findEntry(verb, context);
  const usages = usageOf(context);
  const usage = usages.find((one) => one.verb === entry?.name);
  const known = usage?.options.find((one) => one.name === option);
  if (!known) return [];
  return choicesFor(known, { typed, context })
    .filter(({ value }) => value.length <= maxChoiceLength)
    .slice(0, maxChoices)
    .map(({ label, value }) => ({ label: cut(label), value }));
}

function choicesFor(
  option: UsageOption,
  { typed, context }: { typed: string; context: CompletionContext },
): readonly Choice[] {
  switch (option.completes) {
    case 'targets':
      return completeSelector(typed, { targets: context.targets, max: maxChoices, maxLength: maxChoiceLength });
    case 'tasks':
      return completeKnown(typed.trim(), context.tasks);
    case 'schedules':
      return completeKnown(typed.trim(), context.schedules);
    case 'actions':
      return bestOf(typed.trim(), usageOf(context), ({ written }) => written).map(({ written, summary }) => ({
        label: summary.en === '' ? written : `${written} — ${summary.en}`,
        value: written,
      }));
    default: {
      const choices = (option.choices ?? []).map(({ label, value }) => ({ label, value: String(value) }));
      return bestOf(typed.trim(), choices, ({ label }) => label);
    }
  }
}

function completeKnown(typed: string, known: readonly Known[]): readonly Choice[] {
  const found = known.filter(({ id, label }) =>
    [id, label].some((text) => text.toLowerCase().includes(typed.toLowerCase())),
  );
  // A stable sort: those whose id begins so come first, in the order they are given.
  const begins = (id: string): number => (id.toLowerCase().startsWith(typed.toLowerCase()) ? 0 : 1);
  return found
    .sort((a, b) => begins(a.id) - begins(b.id))
    .map(({ id, label }) => ({ label: label.trim() === '' ? id : label, value: id }));
}

const cut = (label: string): string => {
  const line = label.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  return line.length <= maxChoiceLength ? line : `${[...line.slice(0, maxChoiceLength - 2)].join('').trimEnd()}…`;
};
