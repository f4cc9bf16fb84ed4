import type { Finding } from './rules.ts';
import type { SourceFile, SourceTree } from './source-tree.ts';

const maxFileLines = 400;
const maxOwnLines = 60;
const maxFactoryLines = 200;

/** Long files anywhere; long functions where they are not the frame around a suite of tests. */
export function checkSizes({ files }: SourceTree): Finding[] {
  return files.flatMap((file) => [...checkFile(file), ...(isTest(file) ? [] : checkFunctions(file))]);
}

const isTest = ({ path, zone }: SourceFile): boolean =>
  zone === 'test' || path.startsWith('e2e/') || path.endsWith('.test.ts');

function checkFile({ path, lines }: SourceFile): Finding[] {
  if (lines <= maxFileLines) return [];
  return [{ file: path, line: maxFileLines + 1, rule: 'size', message: `the file has ${lines} lines` }];
}

function checkFunctions({ path, functions }: SourceFile): Finding[] {
  const long = functions.filter(({ lines, ownLines }) => ownLines > maxOwnLines || lines > maxFactoryLines);
  return long.map(({ line, lines, ownLines }) => ({
    file: path,
    line,
    rule: 'size',
    message: `the function has ${ownLines} lines of its own, ${lines} with the functions inside it`,
  }));
}
