import { forbiddingDependencyRule, forbiddingRule } from './layers.ts';
import type { Finding, Rule } from './rules.ts';
import type { Import } from './source.ts';
import { resolveRelative, type SourceFile, type SourceTree, type Workspace } from './source-tree.ts';

const scope = '@moltbot/';

/** Direction of imports, deep imports, imports that leave their package; in sources and in package.json files. */
export function checkImports({ files, workspaces }: SourceTree): Finding[] {
  const byName = new Map(workspaces.map((workspace) => [workspace.name, workspace]));
  return [
    ...files.flatMap((file) => file.imports.flatMap((each) => checkImport(file, each, byName))),
    ...workspaces.flatMap((workspace) => checkManifest(workspace, byName)),
  ];
}

function checkImport(file: SourceFile, { specifier, line }: Import, byName: WorkspaceNames): Finding[] {
  const found = (rule: Rule, message: string): Finding[] => [{ file: file.path, line, rule, message }];
  if (specifier.startsWith('.')) {
    const folder = file.workspace?.folder ?? 'scripts';
    const leaves = !resolveRelative(file.path, specifier).startsWith(`${folder}/`);
    return leaves ? found('border', `${specifier} leaves ${folder}`) : [];
  }
  if (!specifier.startsWith(scope)) return checkForeign(file, specifier, found);
  const [name = '', ...deeper] = specifier.slice(scope.length).split('/');
  if (deeper.length > 0) return found('deep-import', `${specifier}: import ${scope}${name}`);
  const to = byName.get(specifier);
  if (file.zone !== 'src' || !file.workspace || !to) return [];
  const rule = forbiddingRule(file.workspace, to);
  return rule ? found(rule, `${file.workspace.folder} must not import ${specifier}`) : [];
}

/** A plugin has no other dependencies; Node's own modules are not dependencies. */
function checkForeign(file: SourceFile, specifier: string, found: (rule: Rule, message: string) => Finding[]) {
  const inPlugin = file.zone === 'src' && file.workspace?.folder.startsWith('plugins/');
  if (!inPlugin || specifier === 'zod' || specifier.startsWith('node:')) return [];
  return found('plugin', `${specifier} is neither plugin-sdk nor zod`);
}

function checkManifest(workspace: Workspace, byName: WorkspaceNames): Finding[] {
  const file = `${workspace.folder}/package.json`;
  return workspace.dependencies.flatMap((name) => {
    const to = byName.get(name);
    const rule = to && forbiddingDependencyRule(workspace, to);
    const message = `${workspace.folder} must not depend on ${name}`;
    return rule ? [{ file, line: lineOfDependency(workspace.manifestText, name), rule, message }] : [];
  });
}

const lineOfDependency = (manifest: string, name: string): number =>
  manifest.slice(0, manifest.indexOf(`"${name}":`)).split('\n').length;

type WorkspaceNames = ReadonlyMap<string, Workspace>;
