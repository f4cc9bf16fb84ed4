import type { Finding } from './rules.ts';
import type { SourceFile, SourceTree } from './source-tree.ts';

/** `process.kill` acts on other processes: what it does hangs on nothing of ours. */
const harmless = ['kill'];

/** `process` is used by entry files and tools alone. */
export function checkProcess({ files }: SourceTree): Finding[] {
  return files.filter(mustNotUseProcess).flatMap(({ path, processUses }) =>
    processUses
      .filter(({ member }) => !harmless.includes(member))
      .map(({ member, line }) => ({
        file: path,
        line,
        rule: 'process' as const,
        message: member === '*' ? 'uses process' : `uses process.${member}`,
      })),
  );
}

function mustNotUseProcess({ path, zone, workspace }: SourceFile): boolean {
  if (zone !== 'src' || workspace?.folder === 'packages/testkit') return false;
  return !/\/(run-)?main\.ts$/.test(path);
}
