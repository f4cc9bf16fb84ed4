import type { Rule } from './rules.ts';
import type { Workspace } from './source-tree.ts';

/** From the ground up: a package may import those of the layers below its own. */
const layers: readonly (readonly string[])[] = [
  ['packages/shared'],
  ['packages/plugin-sdk', 'packages/webhooks'],
  ['packages/bus', 'packages/store', 'packages/plugin-host'],
  ['packages/intake', 'packages/notify'],
  ['packages/schedules'],
  ['packages/chat'],
  ['packages/cli'],
];
const testkit = 'packages/testkit';
const composer = 'services/standalone';
const isService = ({ folder }: Workspace): boolean => folder.startsWith('services/');
const isPlugin = ({ folder }: Workspace): boolean => folder.startsWith('plugins/');

/** The rule that forbids what ships in `from` to import `to`, if one does. */
export function forbiddingRule(from: Workspace, to: Workspace): Rule | undefined {
  if (to.folder === testkit) return 'testkit';
  if (from.folder === testkit) return to.folder === 'packages/shared' ? undefined : 'arrow';
  if (isPlugin(from)) return to.folder === 'packages/plugin-sdk' ? undefined : 'plugin';
  if (isService(to)) return from.folder === composer ? undefined : 'service';
  return layerOf(to) < layerOf(from) ? undefined : 'arrow';
}

/** Services name the plugins they load in their package.json; the import itself is the plugin host's. */
export function forbiddingDependencyRule(from: Workspace, to: Workspace): Rule | undefined {
  return isService(from) && isPlugin(to) ? undefined : forbiddingRule(from, to);
}

/** Services stand on top; nobody imports a plugin, wherever it stands. */
function layerOf(workspace: Workspace): number {
  if (isService(workspace)) return layers.length;
  const layer = layers.findIndex((folders) => folders.includes(workspace.folder));
  return layer === -1 ? Number.POSITIVE_INFINITY : layer;
}
