import type { Finding } from './rules.ts';
import { resolveRelative, type SourceFile, type SourceTree } from './source-tree.ts';

interface Edge {
  readonly to: string;
  readonly line: number;
}

/** Files that import each other, directly or over others; each cycle is told once, from where it closes. */
export function checkCycles({ files, workspaces }: SourceTree): Finding[] {
  const entries = new Map(workspaces.map(({ name, folder }) => [name, `${folder}/src/index.ts`]));
  const graph = new Map(files.map((file) => [file.path, edgesOf(file, entries)]));
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (done.has(path)) return;
    const way = [...trail, path];
    for (const { to, line } of graph.get(path) ?? []) {
      if (way.includes(to)) {
        const message = [...way.slice(way.indexOf(to)), to].join(' → ');
        findings.push({ file: path, line, rule: 'cycle', message });
      } else {
        visit(to, way);
      }
    }
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return findings;
}

function edgesOf(file: SourceFile, entries: ReadonlyMap<string, string>): Edge[] {
  return file.imports.flatMap(({ specifier, line }) => {
    const to = specifier.startsWith('.') ? resolveRelative(file.path, specifier) : entries.get(specifier);
    return to === undefined ? [] : [{ to, line }];
  });
}
