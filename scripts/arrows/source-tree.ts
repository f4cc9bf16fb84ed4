import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { readSource, type Source } from './source.ts';

/** Where a file stands: what ships (`src`), what proves it (`test`), or the tools around both. */
export type Zone = 'src' | 'test' | 'tool';

export interface SourceFile extends Source {
  /** Relative to the root of the tree, with `/`. */
  readonly path: string;
  readonly zone: Zone;
  /** Absent for the files of `scripts`. */
  readonly workspace: Workspace | undefined;
}

export interface Workspace {
  /** `@moltbot/bus` */
  readonly name: string;
  /** `packages/bus` */
  readonly folder: string;
  readonly manifestText: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
}

export interface SourceTree {
  readonly files: readonly SourceFile[];
  readonly workspaces: readonly Workspace[];
}

const groups = ['packages', 'services', 'plugins'];
const tools = ['e2e', 'bench', 'drill', 'scripts'];
const isSource = (name: string): boolean => /\.(ts|tsx|mjs|js)$/.test(name) && !name.endsWith('.d.ts');
const isSkipped = (name: string): boolean => name === 'node_modules' || name === 'dist' || name.startsWith('.');

/** Reads and parses every source file below `root`. @throws an Error naming the file that is no valid TypeScript. */
export function readSourceTree(root: string): SourceTree {
  const folders = [...groups.flatMap((group) => childFolders(root, group)), ...tools];
  const workspaces = folders.flatMap((folder) => readWorkspace(root, folder));
  const files = folders.flatMap((folder) => {
    const workspace = workspaces.find((candidate) => candidate.folder === folder);
    return sourcePaths(root, folder).map((path) => ({
      path,
      zone: zoneOf(path, folder),
      workspace,
      ...readSource(path, readFileSync(join(root, path), 'utf8')),
    }));
  });
  return { files, workspaces };
}

/** The path a relative import points at. */
export const resolveRelative = (from: string, specifier: string): string => normalize(join(dirname(from), specifier));

function zoneOf(path: string, folder: string): Zone {
  if (tools.includes(folder)) return 'tool';
  return path.startsWith(`${folder}/src/`) ? 'src' : 'test';
}

function childFolders(root: string, group: string): string[] {
  if (!existsSync(join(root, group))) return [];
  return readdirSync(join(root, group), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !isSkipped(entry.name))
    .map((entry) => `${group}/${entry.name}`)
    .sort();
}

function readWorkspace(root: string, folder: string): Workspace[] {
  const file = join(root, folder, 'package.json');
  if (!existsSync(file)) return [];
  const manifestText = readFileSync(file, 'utf8');
  const manifest: Manifest = JSON.parse(manifestText);
  return [
    {
      name: manifest.name,
      folder,
      manifestText,
      dependencies: Object.keys(manifest.dependencies ?? {}),
      devDependencies: Object.keys(manifest.devDependencies ?? {}),
    },
  ];
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function sourcePaths(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !isSkipped(entry.name))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return sourcePaths(root, path);
      return isSource(entry.name) ? [path] : [];
    })
    .sort();
}
