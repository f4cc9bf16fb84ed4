import { type ConfigKey, describeInput, listKeys, type SchemaNode } from './keys.ts';

/** Every key a configuration may hold, in the order of the schema, for documents. */
export const configKeys = (): readonly ConfigKey[] => listKeys(describeInput());

/** JSON Schema (draft 7) of the file, for editors: what the loader accepts, references included. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = withReferences(describeInput()) as SchemaNode & { readonly $schema?: string };
  return { $schema, title: 'Moltbot configuration', ...rest };
}

const reference = { type: 'string', pattern: '\\$\\{(?:env|file):[^}]+\\}' } as const;

/** Allows a reference wherever the schema wants more than any text. */
function withReferences(node: SchemaNode): SchemaNode {
  const { properties, additionalProperties, items, description, default: fallback, ...rule } = node;
  const isLeaf = !properties && !additionalProperties && !items;
  const isFreeText = rule.type === 'string' && Object.keys(rule).length === 1;
  const about = {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
  if (isLeaf) return isFreeText ? node : { ...about, anyOf: [rule, reference] };
  return {
    ...rule,
    ...about,
    ...(properties ? { properties: mapValues(properties, withReferences) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: additionalProperties && withReferences(additionalProperties) }),
    ...(items ? { items: withReferences(items) } : {}),
  };
}

const mapValues = <T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
