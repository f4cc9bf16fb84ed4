import { isDeepStrictEqual } from 'node:util';
import type { DeclaredSchedule, ScheduleRecord } from '@moltbot/shared';

/** A schedule that is there. What it holds may have been written by another version. */
export type KnownSchedule = Pick<ScheduleRecord, 'tenant' | 'id' | 'source'> & { readonly spec: object };

/** One value of a schedule. */
export interface FieldChange {
  /** `task.args.command` */
  readonly path: string;
  /** Undefined where there is none. */
  readonly from: unknown;
  readonly to: unknown;
}

/** What becomes of a schedule when the configuration is applied. `foreign`: it is refused, as one made through the API has its name. */
export type DeclaredChange =
  | { readonly kind: 'new' | 'foreign'; readonly declared: DeclaredSchedule }
  | { readonly kind: 'changed'; readonly declared: DeclaredSchedule; readonly fields: readonly FieldChange[] }
  | { readonly kind: 'gone'; readonly known: KnownSchedule };

/** What is declared held against what is there: changes in the order of declaration, then what is declared no more. Touches what configurations made alone. */
export function diffDeclared(
  declared: readonly DeclaredSchedule[],
  known: Iterable<KnownSchedule>,
): readonly DeclaredChange[] {
  const byName = new Map(Array.from(known, (each) => [nameOf(each), each] as const));
  const names = new Set(declared.map(nameOf));
  return [
    ...declared.flatMap((each) => changeOf(each, byName.get(nameOf(each)))),
    ...[...byName].flatMap(([name, each]): readonly DeclaredChange[] =>
      each.source === 'config' && !names.has(name) ? [{ kind: 'gone', known: each }] : [],
    ),
  ];
}

const nameOf = ({ tenant, id }: { readonly tenant: string; readonly id: string }): string => `${tenant}/${id}`;

function changeOf(declared: DeclaredSchedule, known: KnownSchedule | undefined): readonly DeclaredChange[] {
  if (!known) return [{ kind: 'new', declared }];
  if (known.source !== 'config') return [{ kind: 'foreign', declared }];
  if (isDeepStrictEqual(known.spec, declared.spec)) return [];
  const fields = fieldsOf('', asJson(known.spec), asJson(declared.spec));
  return fields.length === 0 ? [] : [{ kind: 'changed', declared, fields }];
}

/** As it is kept: without what is undefined, and without prototypes. */
const asJson = (value: object): unknown => JSON.parse(JSON.stringify(value));

function fieldsOf(path: string, from: unknown, to: unknown): readonly FieldChange[] {
  if (isDeepStrictEqual(from, to)) return [];
  if (!isMap(from) || !isMap(to)) return [{ path, from, to }];
  const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
  const of = (map: Readonly<Record<string, unknown>>, key: string) => (Object.hasOwn(map, key) ? map[key] : undefined);
  return [...keys].flatMap((key) => fieldsOf(path === '' ? key : `${path}.${key}`, of(from, key), of(to, key)));
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
