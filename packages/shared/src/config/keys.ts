import { z } from 'zod';
import type { Path } from './path.ts';
import { configSchema } from './schema.ts';

/** A node of the JSON Schema of the configuration as it is written. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly object[];
}

/** One key of the configuration, for documents and for variables. */
export interface ConfigKey {
  /** `tenants.<id>.apiKeys[].hash`: `<id>` stands for a name, `[]` for each item of a list. */
  readonly name: string;
  readonly node: SchemaNode;
  /** The variable that overrides it; keys below `<id>` and `[]` have none of their own. */
  readonly variable?: { readonly name: string; readonly path: Path } | undefined;
}

/** The schema of what a user may write, as JSON Schema draft 7. */
export const describeInput = (): SchemaNode =>
  z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' }) as SchemaNode;

/** Every key there is, parents first, in the order of the schema. */
export const listKeys = (root: SchemaNode): readonly ConfigKey[] => keysBelow({ node: root, name: '', path: [] });

/** The node that describes the value at a path. */
export function nodeAt(root: SchemaNode, path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    if (!node) return undefined;
    node =
      typeof step === 'number' ? node.items : (node.properties?.[step] ?? (node.additionalProperties || undefined));
  }
  return node;
}

interface Step {
  readonly node: SchemaNode;
  readonly name: string;
  /** Undefined where the keys on the way are not fixed. */
  readonly path: Path | undefined;
}

const keysBelow = (step: Step): readonly ConfigKey[] =>
  childrenOf(step).flatMap((child) => [
    { name: child.name, node: child.node, variable: child.path && { name: variableOf(child.path), path: child.path } },
    ...keysBelow(child),
  ]);

function childrenOf({ node, name, path }: Step): readonly Step[] {
  const { properties = {}, additionalProperties, items } = node;
  const prefix = name === '' ? '' : `${name}.`;
  return [
    ...Object.entries(properties).map(([key, child]) => ({
      node: child,
      name: `${prefix}${key}`,
      path: path && [...path, key],
    })),
    ...(additionalProperties ? [{ node: additionalProperties, name: `${prefix}<id>`, path: undefined }] : []),
    ...(items ? [{ node: items, name: `${name}[]`, path: undefined }] : []),
  ];
}

/** `executor.outputCap` → `MOLTBOT_EXECUTOR_OUTPUT_CAP`. */
const variableOf = (path: Path): string =>
  ['MOLTBOT', ...path.map((key) => String(key).replace(/[A-Z]/g, (letter) => `_${letter}`))].join('_').toUpperCase();
