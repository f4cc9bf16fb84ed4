import { nearest } from '../nearest.ts';
import type { Problem } from './layers.ts';
import { isMap, type Path } from './path.ts';

export interface ReferenceDeps {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => Promise<string>;
  /** Makes a path that is written at `at` absolute. */
  readonly absolute: (path: string, at: Path) => string;
  /** What the text of a reference becomes where it is the whole value. */
  readonly convert: (text: string, at: Path) => unknown;
}

export interface Resolved {
  readonly value: unknown;
  /** Texts that came through references: they must not be shown. */
  readonly hidden: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * Replaces `${env:NAME}` and `${file:/path}` in every text of a tree; `$${` stands for `${` itself.
 * One trailing newline of a file is dropped. A text with a reference that fails stays as it is, and is a problem.
 */
export async function resolveReferences(root: unknown, deps: ReferenceDeps): Promise<Resolved> {
  const hidden: string[] = [];
  const problems: Problem[] = [];

  const replace = async (text: string, path: Path): Promise<unknown> => {
    const tokens = tokensOf(text);
    const parts = await Promise.all(tokens.map((token) => resolveToken(token, path, deps)));
    const failed = parts.flatMap(({ problem }) => (problem === undefined ? [] : [{ path, message: problem }]));
    problems.push(...failed);
    if (failed.length > 0) return text;
    const secrets = parts.flatMap(({ secret }) => secret ?? []);
    hidden.push(...secrets);
    const [whole] = secrets;
    if (tokens.length === 1 && whole !== undefined) return deps.convert(whole, path);
    return parts.map((part) => part.secret ?? part.text ?? '').join('');
  };

  const visit = async (value: unknown, path: Path): Promise<unknown> => {
    if (typeof value === 'string') return value.includes('${') ? replace(value, path) : value;
    if (Array.isArray(value)) return Promise.all(value.map((item, index) => visit(item, [...path, index])));
    if (!isMap(value)) return value;
    const entries = Object.entries(value).map(async ([key, item]) => [key, await visit(item, [...path, key])] as const);
    return Object.fromEntries(await Promise.all(entries));
  };

  return { value: await visit(root, []), hidden, problems };
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: these are the words a user writes
const unreadable = 'holds "${" that begins no reference: write ${env:NAME}, ${file:/path} or $${';

/** One of the three is there. */
interface Part {
  readonly text?: string;
  readonly secret?: string;
  readonly problem?: string;
}

const tokensOf = (text: string): readonly string[] => text.match(/\$\$\{|\$\{[^}]*\}?|[^$]+|\$/g) ?? [];

async function resolveToken(token: string, path: Path, deps: ReferenceDeps): Promise<Part> {
  if (token === '$${') return { text: '${' };
  if (!token.startsWith('${')) return { text: token };
  const [, scheme, name] = /^\$\{([^:}]*):([^}]+)\}$/.exec(token) ?? [];
  if (name === undefined) return { problem: unreadable };
  if (scheme === 'env') return readVariable(name, deps);
  if (scheme === 'file') return readSecretFile(name, path, deps);
  const meant = nearest(scheme ?? '', ['env', 'file']);
  return { problem: `refers to an unknown source${meant ? `; did you mean ${meant}?` : ': write env or file'}` };
}

function readVariable(name: string, { environment }: ReferenceDeps): Part {
  const secret = Object.hasOwn(environment, name) ? environment[name] : undefined;
  return secret === undefined ? { problem: `refers to the variable ${name}, which is not set` } : { secret };
}

async function readSecretFile(name: string, path: Path, deps: ReferenceDeps): Promise<Part> {
  const file = deps.absolute(name, path);
  try {
    return { secret: (await deps.readFile(file)).replace(/\r?\n$/, '') };
  } catch (error) {
    return { problem: `refers to the file ${file}, which cannot be read (${reasonOf(error)})` };
  }
}

/** `ENOENT` and the like: the message of such an error repeats the path. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
};
