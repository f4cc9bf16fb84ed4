import type { AnyAction } from '@moltbot/plugin-sdk';
import { z } from 'zod';

export type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object';
type Choice = string | number | boolean | null;

/** What a JSON schema says of a value. No types: it is silent. */
export interface Shape {
  readonly types: readonly JsonType[];
  /** All that it may be. */
  readonly choices?: readonly Choice[] | undefined;
  /** Of the members of an array. */
  readonly items?: Shape | undefined;
}

export interface Parameter extends Shape {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
}

export interface Parameters {
  readonly list: readonly Parameter[];
  /** Of arguments that are not in the list, where there may be some. */
  readonly others?: Shape | undefined;
}

export const silent: Shape = { types: [] };

interface JsonSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: JsonType | readonly JsonType[];
  readonly description?: string;
  readonly const?: Choice;
  readonly enum?: readonly Choice[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
}

/** The arguments of an action, by what JSON schema can say of them; a schema that it cannot say has none. */
export function parametersOf(action: AnyAction): Parameters {
  const root = toJsonSchema(action);
  return readObject(root, root, maxDepth);
}

function toJsonSchema({ args }: AnyAction): JsonSchema {
  try {
    return z.toJSONSchema(args, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  } catch {
    // A cycle that it cannot follow: what is written goes on as text, and the door checks it.
    return { additionalProperties: {} };
  }
}

/** Schemas refer to themselves. */
const maxDepth = 8;

function readObject(schema: JsonSchema, root: JsonSchema, depth: number): Parameters {
  const here = resolve(schema, root);
  if (depth === 0) return { list: [] };
  const { properties = {}, required = [], additionalProperties: others } = here;
  const own: Parameters = {
    list: Object.entries(properties).map(([name, property]) => ({
      name,
      summary: resolve(property, root).description ?? name,
      required: required.includes(name),
      ...readShape(property, root, maxDepth),
    })),
    ...(others && { others: others === true ? silent : readShape(others, root, maxDepth) }),
  };
  const either = [...(here.anyOf ?? []), ...(here.oneOf ?? [])].map((part) => readObject(part, root, depth - 1));
  const all = (here.allOf ?? []).map((part) => readObject(part, root, depth - 1));
  return mergeAll([own, ...(either.length > 0 ? [mergeEither(either)] : []), ...all]);
}

const resolve = (schema: JsonSchema, root: JsonSchema): JsonSchema => {
  if (schema.$ref === undefined) return schema;
  if (schema.$ref === '#') return root;
  return root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {};
};

/** Parameters that all hold. */
function mergeAll(parts: readonly Parameters[]): Parameters {
  const others = parts.find((part) => part.others)?.others;
  return { list: mergeLists(parts), ...(others && { others }) };
}

/** Parameters of which one set holds: required is what all of them require. */
function mergeEither(parts: readonly Parameters[]): Parameters {
  const { list, others } = mergeAll(parts);
  const isRequired = (name: string): boolean =>
    parts.every((part) => part.list.some((parameter) => parameter.name === name && parameter.required));
  return {
    list: list.map((parameter) => ({ ...parameter, required: isRequired(parameter.name) })),
    ...(others && { others }),
  };
}

function mergeLists(parts: readonly Parameters[]): readonly Parameter[] {
  const merged = new Map<string, Parameter>();
  for (const parameter of parts.flatMap((part) => part.list)) {
    const known = merged.get(parameter.name);
    merged.set(
      parameter.name,
      known
        ? { ...known, ...mergeShapes([known, parameter]), required: known.required || parameter.required }
        : parameter,
    );
  }
  return [...merged.values()];
}

function readShape(schema: JsonSchema, root: JsonSchema, depth: number): Shape {
  if (depth === 0) return silent;
  const here = resolve(schema, root);
  const either = [...(here.anyOf ?? []), ...(here.oneOf ?? [])].map((part) => readShape(part, root, depth - 1));
  if (either.length > 0) return mergeShapes(either);
  const choices = here.enum ?? (here.const === undefined ? undefined : [here.const]);
  const types = typesOf(here, choices);
  if (types.length === 0 && here.allOf?.[0]) return readShape(here.allOf[0], root, depth - 1);
  return {
    types,
    ...(choices && { choices }),
    ...(here.items && { items: readShape(here.items, root, depth - 1) }),
  };
}

function typesOf({ type }: JsonSchema, choices: readonly Choice[] | undefined): readonly JsonType[] {
  if (type !== undefined) return typeof type === 'string' ? [type] : type;
  return [...new Set((choices ?? []).map((choice) => (choice === null ? 'null' : (typeof choice as JsonType))))];
}

/** A shape that takes what one of them takes; silent where one of them is. */
function mergeShapes(shapes: readonly Shape[]): Shape {
  if (shapes.some((shape) => shape.types.length === 0)) return silent;
  // `null` is a choice of its own where the others are choices.
  const bounded = shapes.every(
    ({ choices, types }) => choices !== undefined || (types.length === 1 && types[0] === 'null'),
  );
  const choices = [...new Set(shapes.flatMap((shape): readonly Choice[] => shape.choices ?? [null]))];
  const items = shapes.find((shape) => shape.items)?.items;
  return {
    types: [...new Set(shapes.flatMap((shape) => shape.types))],
    ...(bounded && { choices }),
    ...(items && { items }),
  };
}
