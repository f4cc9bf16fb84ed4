import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parse, parseDocument, stringify } from 'yaml';
import type { ErrorPlace } from '../errors.ts';
import { type Path, pathKey } from './path.ts';

/** 1-based, as editors count. */
export interface Spot {
  readonly line: number;
  readonly column: number;
}

/** Where a value begins, and its key if it has one. */
export interface Spots {
  readonly key?: Spot | undefined;
  readonly value: Spot;
}

export interface YamlRead {
  readonly value: unknown;
  /** By `pathKey`. What hangs below an alias has none. */
  readonly spots: ReadonlyMap<string, Spots>;
  readonly problems: readonly ErrorPlace[];
  readonly warnings: readonly string[];
  /** False after a syntax error: `value` is then not what was meant. */
  readonly readable: boolean;
}

/** Reads one YAML document, with the place of every value in it. `name` stands for the text in problems. */
export function readYaml(name: string, text: string): YamlRead {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): Spot => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const place = (offset: number): string => `${name}:${at(offset).line}:${at(offset).column}`;
  const problems = document.errors.map(({ code, message, pos }) => ({
    path: place(pos[0]),
    message: code === 'DUPLICATE_KEY' ? 'the key is given twice: keep one' : `is not YAML: ${withoutSource(message)}`,
  }));
  const readable = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  const warnings = document.warnings.map(({ message, pos }) => `${place(pos[0])} ${message}`);
  if (!readable) return { value: undefined, spots: new Map(), problems, warnings, readable };
  try {
    return { value: document.toJS(), spots: findSpots(document, at), problems, warnings, readable };
  } catch (error) {
    // An alias to nothing, or so many aliases that they would fill the memory.
    problems.push({ path: name, message: `is not YAML: ${error instanceof Error ? error.message : String(error)}` });
    return { value: undefined, spots: new Map(), problems, warnings, readable: false };
  }
}

/** A number or a boolean as YAML writes it, or the text itself. */
export function readScalar(text: string): unknown {
  const value: unknown = /^[\w.+-]+$/.test(text) ? parse(text) : text;
  return typeof value === 'number' || typeof value === 'boolean' ? value : text;
}

export const writeYaml = (value: unknown): string => stringify(value, { lineWidth: 0 });

/** Some messages end with a piece of the text, which could be of a secret. */
const withoutSource = (message: string): string => message.replace(/: ".*/s, '');

function findSpots(document: Document, at: (offset: number) => Spot): ReadonlyMap<string, Spots> {
  const spots = new Map<string, Spots>();
  const visit = (node: unknown, path: Path, key?: Spot): void => {
    if (!isNode(node) || !node.range) return;
    spots.set(pathKey(path), { key, value: at(node.range[0]) });
    if (isSeq(node)) node.items.forEach((item, index) => void visit(item, [...path, index]));
    if (!isMap(node)) return;
    for (const pair of node.items) {
      if (isScalar(pair.key) && pair.key.range)
        visit(pair.value, [...path, String(pair.key.value)], at(pair.key.range[0]));
    }
  };
  visit(document.contents, []);
  return spots;
}
