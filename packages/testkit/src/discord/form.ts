import { refusal } from './api-error.ts';

export type Path = readonly (string | number)[];

/** Collects what is wrong with a body and where, and refuses it as Discord does: code 50035 with a tree of errors. */
export interface Form {
  add(path: Path, code: string, message: string): void;
  /** Checks a string's length in characters when there is one; reports it missing when `min` asks for one. */
  text(path: Path, value: unknown, limits: TextLimits): void;
  /** @returns the entries of a list of records, none when it is absent or wrong */
  list(path: Path, value: unknown, max: number): readonly Fields[];
  oneOf(path: Path, value: unknown, choices: readonly (string | number)[]): boolean;
  /** @throws ApiError 50035 when anything was found */
  done(): void;
}

export interface TextLimits {
  /** Default 0: may be absent. */
  readonly min?: number;
  readonly max: number;
  readonly pattern?: RegExp;
}

/** A JSON object whose fields are not known to be right. */
export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As Discord counts: code points. */
export const lengthOf = (text: string): number => [...text].length;

interface Leaf {
  _errors?: { code: string; message: string }[];
  [key: string]: Leaf | Leaf['_errors'];
}

/** https://discord.com/developers/docs/reference#error-messages */
export function createForm(): Form {
  const tree: Leaf = {};
  const add = (path: Path, code: string, message: string): void => {
    let node = tree;
    for (const step of path) {
      const next = (node[step] as Leaf | undefined) ?? {};
      node[step] = next;
      node = next;
    }
    node._errors = [...(node._errors ?? []), { code, message }];
  };
  return {
    add,
    text(path, value, { min = 0, max, pattern }) {
      if (value === undefined || value === null) {
        if (min > 0) add(path, 'BASE_TYPE_REQUIRED', 'This field is required');
      } else if (typeof value !== 'string') {
        add(path, 'STRING_TYPE_CONVERT', `Could not interpret "${JSON.stringify(value)}" as string.`);
      } else if (lengthOf(value) < min || lengthOf(value) > max) {
        if (min > 0) add(path, 'BASE_TYPE_BAD_LENGTH', `Must be between ${min} and ${max} in length.`);
        else add(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
      } else if (pattern && !pattern.test(value)) {
        add(path, 'STRING_TYPE_REGEX', 'String value did not match validation regex.');
      }
    },
    list(path, value, max) {
      if (value === undefined || value === null) return [];
      if (!Array.isArray(value)) {
        add(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
        return [];
      }
      if (value.length > max) add(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
      return value.map((entry: unknown, index) => {
        if (isFields(entry)) return entry;
        add([...path, index], 'DICT_TYPE_CONVERT', 'Only dictionaries may be used in a DictType');
        return {};
      });
    },
    oneOf(path, value, choices) {
      const fits = choices.some((choice) => choice === value);
      if (!fits) add(path, 'BASE_TYPE_CHOICES', `Value must be one of {${choices.join(', ')}}.`);
      return fits;
    },
    done() {
      if (Object.keys(tree).length > 0) throw refusal('invalidForm', { errors: tree });
    },
  };
}
