// `npm run arrows`: the structure of the tree, held by a program. The rules and their reasons stand in arrows/rules.ts.
import { fileURLToPath } from 'node:url';
import { checkTree } from './arrows/check-tree.ts';
import { rules } from './arrows/rules.ts';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const { files, findings } = checkTree(root);
for (const { file, line, rule, message } of findings) {
  process.stdout.write(`${file}:${line} [${rule}] ${message}\n    because ${rules[rule]}\n`);
}
process.stdout.write(`${files} files, ${findings.length} findings\n`);
process.exitCode = findings.length > 0 ? 1 : 0;
