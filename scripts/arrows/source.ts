import {
  type ExportAllDeclaration,
  type ExportNamedDeclaration,
  type ImportDeclaration,
  type ImportExpression,
  type MemberExpression,
  parseSync,
  type Span,
  type TSImportType,
  type VariableDeclarator,
  Visitor,
  type VisitorObject,
} from 'oxc-parser';

/** What the rules need to know of one file. Lines count from 1. */
export interface Source {
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly processUses: readonly ProcessUse[];
  readonly functions: readonly FunctionSize[];
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Only types are taken: nothing of it is loaded. */
  readonly typeOnly: boolean;
}

export interface ProcessUse {
  /** The `exit` of `process.exit`; `*` when any member can be meant. */
  readonly member: string;
  readonly line: number;
}

export interface FunctionSize {
  readonly line: number;
  readonly lines: number;
  /** Without the functions inside it, as a class counts without its methods. */
  readonly ownLines: number;
}

/** @throws an Error with file, line and the parser's words when the text cannot be parsed. */
export function readSource(path: string, text: string): Source {
  const lineOf = lineIndex(text);
  const { program, errors } = parseSync(path, text);
  const [problem] = errors;
  if (problem) throw new Error(`${path}:${lineOf(problem.labels[0]?.start ?? 0)} cannot be parsed: ${problem.message}`);

  const imports: Import[] = [];
  const processUses: ProcessUse[] = [];
  const functions: FunctionSize[] = [];
  new Visitor({
    ...importVisitor(lineOf, imports, processUses),
    ...processVisitor(lineOf, processUses),
    ...functionVisitor(lineOf, functions),
  }).visit(program);
  return { lines: lineOf(text.trimEnd().length), imports, processUses, functions };
}

/** Offset in the text to line number. */
type LineOf = (offset: number) => number;

function importVisitor(lineOf: LineOf, imports: Import[], processUses: ProcessUse[]): VisitorObject {
  const add = (node: AnyImport): void => {
    const specifier = specifierOf(node);
    if (specifier === undefined) return;
    const line = lineOf(node.start);
    imports.push({ specifier, line, typeOnly: isTypeOnly(node) });
    if (!/^(node:)?process$/.test(specifier)) return;
    processUses.push(...importedMembers(node).map((member) => ({ member, line })));
  };
  return {
    ImportDeclaration: add,
    ExportNamedDeclaration: add,
    ExportAllDeclaration: add,
    ImportExpression: add,
    TSImportType: add,
  };
}

function processVisitor(lineOf: LineOf, processUses: ProcessUse[]): VisitorObject {
  const add = (node: MemberExpression | VariableDeclarator): void => {
    const member = processMember(node);
    if (member !== undefined) processUses.push({ member, line: lineOf(node.start) });
  };
  return { MemberExpression: add, VariableDeclarator: add };
}

function functionVisitor(lineOf: LineOf, functions: FunctionSize[]): VisitorObject {
  /** One entry for each function we are in: the lines of the functions inside it. */
  const innerLines = [0];
  const enter = (): void => {
    innerLines.push(0);
  };
  const leave = ({ start, end }: Span): void => {
    const lines = lineOf(end) - lineOf(start) + 1;
    functions.push({ line: lineOf(start), lines, ownLines: lines - (innerLines.pop() ?? 0) });
    innerLines.push((innerLines.pop() ?? 0) + lines - 1);
  };
  return {
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
  };
}

type AnyImport = ImportDeclaration | ExportNamedDeclaration | ExportAllDeclaration | ImportExpression | TSImportType;

function specifierOf({ source }: AnyImport): string | undefined {
  return source?.type === 'Literal' && typeof source.value === 'string' ? source.value : undefined;
}

function isTypeOnly(node: AnyImport): boolean {
  if (node.type === 'TSImportType') return true;
  if (node.type === 'ImportExpression') return false;
  if (node.type !== 'ImportDeclaration') return node.exportKind === 'type';
  const { specifiers } = node;
  const allTypes = specifiers.every((each) => each.type === 'ImportSpecifier' && each.importKind === 'type');
  return node.importKind === 'type' || (specifiers.length > 0 && allTypes);
}

/** The names taken from a module; `*` stands for all of them. */
function importedMembers(node: AnyImport): string[] {
  if (node.type !== 'ImportDeclaration') return ['*'];
  return node.specifiers.map((each) =>
    each.type === 'ImportSpecifier' && each.imported.type === 'Identifier' ? each.imported.name : '*',
  );
}

/** `process.exit` and `globalThis.process` are members, `const { env } = process` is a declarator. */
function processMember(node: MemberExpression | VariableDeclarator): string | undefined {
  if (node.type === 'VariableDeclarator') return isNamed(node.init, 'process') ? '*' : undefined;
  if (isNamed(node.object, 'globalThis') && isNamed(node.property, 'process')) return '*';
  if (!isNamed(node.object, 'process')) return undefined;
  return !node.computed && node.property.type === 'Identifier' ? node.property.name : '*';
}

function isNamed(node: { readonly type: string; readonly name?: unknown } | null, name: string): boolean {
  return node?.type === 'Identifier' && node.name === name;
}

function lineIndex(text: string): LineOf {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const next = starts.findIndex((start) => start > offset);
    return next === -1 ? starts.length : next;
  };
}
