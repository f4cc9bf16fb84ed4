import type { z } from 'zod';
import { nearest } from '../nearest.ts';
import { nodeAt, type SchemaNode } from './keys.ts';
import type { Problem } from './layers.ts';
import { type Path, valueAt } from './path.ts';

const kinds: Readonly<Record<string, string>> = {
  object: 'a map of keys and values',
  record: 'a map of names and values',
  array: 'a list',
  string: 'text (quote numbers and booleans)',
};

/** Names listed in a hint. */
const mostShown = 12;

/** What the schema refused, in words. Never holds a value, which could be a secret; keys and names only. */
export const schemaProblems = (error: z.ZodError, schema: SchemaNode, root: unknown): readonly Problem[] =>
  error.issues.flatMap((issue) => explain(issue, schema, root));

/** `; did you mean "port"?` or what there is. */
export function hintOf(word: string, valid: readonly string[]): string {
  const meant = nearest(word, valid);
  if (meant !== undefined) return `; did you mean "${meant}"?`;
  const more = valid.length > mostShown ? ', …' : '';
  return valid.length > 0 ? `; valid: ${valid.slice(0, mostShown).join(', ')}${more}` : '';
}

function explain(issue: z.core.$ZodIssue, schema: SchemaNode, root: unknown): readonly Problem[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const valid = Object.keys(nodeAt(schema, path)?.properties ?? {});
    return issue.keys.map((key) => ({ path: [...path, key], at: 'key', message: `unknown key${hintOf(key, valid)}` }));
  }
  if (issue.code === 'invalid_key') return [{ path, at: 'key', message: issue.issues[0]?.message ?? issue.message }];
  return [{ path, message: issue.code === 'invalid_type' ? wrongType(issue, valueAt(root, path)) : issue.message }];
}

/** Rules made by `must` speak for themselves; these are the ones of maps, lists and shared schemas. */
function wrongType(issue: z.core.$ZodIssueInvalidType, value: unknown): string {
  if (!issue.message.startsWith('Invalid input')) return issue.message;
  const rule = `must be ${kinds[issue.expected] ?? issue.expected}`;
  if (value === undefined) return `is missing: ${rule}`;
  return value === null ? `has no value: ${rule}, or delete it` : rule;
}
