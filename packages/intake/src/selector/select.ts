import { MoltError, matchesGlob, type Target } from '@moltbot/shared';
import type { Expression } from './expression.ts';
import { parseSelector } from './parse.ts';

/**
 * The targets a selector means, in the order of the inventory.
 * @throws MOLT_BAD_SELECTOR, or MOLT_NO_TARGETS naming the part that removed the last of them.
 */
export function selectTargets(selector: string, inventory: readonly Target[]): readonly Target[] {
  const expression = parseSelector(selector);
  const selected = inventory.filter((target) => matches(expression, target));
  if (selected.length > 0) return selected;
  const why = whyNone(expression, inventory);
  throw new MoltError('MOLT_NO_TARGETS', `"${selector}" matches no target: ${why}`, {
    places: [{ path: '/on', message: why }],
  });
}

function matches(expression: Expression, target: Target): boolean {
  switch (expression.kind) {
    case 'name':
      return matchesGlob(expression.pattern, target.name);
    case 'label': {
      const value = target.labels[expression.key];
      return (value !== undefined && matchesGlob(expression.pattern, value)) !== expression.negated;
    }
    case 'not':
      return !matches(expression.part, target);
    case 'all-of':
      return expression.parts.every((part) => matches(part, target));
    case 'any-of':
      return expression.parts.some((part) => matches(part, target));
  }
}

function whyNone(expression: Expression, inventory: readonly Target[]): string {
  if (inventory.length === 0) return 'this tenant has no targets';
  if (expression.kind === 'all-of') return whyTogetherNone(expression.parts, inventory);
  if (expression.kind === 'any-of') return expression.parts.map((part) => whyNone(part, inventory)).join('; ');
  if (expression.kind === 'not') return `"${expression.text}" leaves out all ${inventory.length}`;
  if (expression.kind === 'label') return whyLabelNone(expression, inventory);
  return `none of the ${inventory.length} targets is named "${expression.text}"`;
}

function whyTogetherNone(parts: readonly Expression[], inventory: readonly Target[]): string {
  let left = inventory;
  for (const part of parts) {
    const after = left.filter((target) => matches(part, target));
    if (after.length > 0) {
      left = after;
      continue;
    }
    if (!inventory.some((target) => matches(part, target))) return whyNone(part, inventory);
    const hint = parts.every(({ kind }) => kind === 'name') ? '; a space means and: write a comma for or' : '';
    return `"${part.text}" removed the last ${left.length}${hint}`;
  }
  return 'no part matches';
}

function whyLabelNone(part: Extract<Expression, { kind: 'label' }>, inventory: readonly Target[]): string {
  const values = [...new Set(inventory.flatMap(({ labels }) => labels[part.key] ?? []))].sort();
  if (values.length === 0) return `no target has the label "${part.key}"`;
  const shown = values.slice(0, 8).join(', ');
  return `no target has ${part.text}; values of "${part.key}": ${shown}${values.length > 8 ? ', …' : ''}`;
}
