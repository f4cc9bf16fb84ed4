import { checkCycles } from './cycle-rule.ts';
import { checkImports } from './import-rules.ts';
import { checkProcess } from './process-rule.ts';
import type { Finding } from './rules.ts';
import { checkSizes } from './size-rule.ts';
import { readSourceTree } from './source-tree.ts';
import { checkVendors } from './vendor-rule.ts';

export interface Report {
  readonly files: number;
  /** By file and line. */
  readonly findings: readonly Finding[];
}

/** Holds the tree below `root` to every rule. @throws when a file cannot be parsed */
export function checkTree(root: string): Report {
  const tree = readSourceTree(root);
  const checks = [checkImports, checkVendors, checkProcess, checkCycles, checkSizes];
  const findings = checks
    .flatMap((check) => check(tree))
    .sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
  return { files: tree.files.length, findings };
}
