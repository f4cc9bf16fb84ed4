import { type AnyAction, type AnyNotifier, isPluginEntry, type PluginMetadata } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';

/** What the loaded plugins offer. */
export interface PluginHost {
  readonly plugins: readonly PluginMetadata[];
  /** By name. */
  readonly actions: readonly AnyAction[];
  findAction(name: string): AnyAction | undefined;
  /** Kinds of channels for notifications. */
  readonly notifiers: readonly AnyNotifier[];
}

/** Kinds of channels that are there without a plugin. */
const builtInKinds: readonly string[] = ['webhook', 'email', 'log'];

/** Imports a module by package name or absolute path; given by the composition root, whose dependencies the names are. */
export type ImportPlugin = (specifier: string) => Promise<Readonly<Record<string, unknown>>>;

/**
 * Loads plugins and registers their actions and kinds of channels.
 * @throws MOLT_PLUGIN naming the plugin, when it cannot be imported, has not exactly one entry, or offers a name twice.
 */
export async function loadPlugins(specifiers: readonly string[], importPlugin: ImportPlugin): Promise<PluginHost> {
  const plugins: PluginMetadata[] = [];
  const actions = new Map<string, AnyAction>();
  const notifiers = new Map<string, AnyNotifier>();
  for (const specifier of specifiers) {
    const plugin = await instantiate(specifier, importPlugin);
    const metadata = plugin.getMetadata();
    if (plugins.some(({ id }) => id === metadata.id)) throw refused(specifier, `the id "${metadata.id}" is taken`);
    plugins.push(metadata);
    for (const action of plugin.actions()) {
      if (!action.name.startsWith(`${metadata.id}.`)) {
        throw refused(specifier, `the action "${action.name}" must be named "${metadata.id}.<verb>"`);
      }
      if (actions.has(action.name)) throw refused(specifier, `it offers the action "${action.name}" twice`);
      actions.set(action.name, action);
    }
    for (const notifier of plugin.notifiers()) {
      if (builtInKinds.includes(notifier.kind) || notifiers.has(notifier.kind))
        throw refused(specifier, `the kind of channel "${notifier.kind}" is taken`);
      notifiers.set(notifier.kind, notifier);
    }
  }
  const sorted = [...actions.values()].sort((a, b) => a.name.localeCompare(b.name));
  return {
    plugins,
    actions: sorted,
    findAction: (name) => actions.get(name),
    notifiers: [...notifiers.values()],
  };
}

async function instantiate(specifier: string, importPlugin: ImportPlugin) {
  const module = await importPlugin(specifier).catch((cause: unknown) => {
    throw refused(specifier, cause instanceof Error ? cause.message : String(cause), cause);
  });
  const entries = [...new Set(Object.values(module))].filter(isPluginEntry);
  const [Entry] = entries;
  if (!Entry || entries.length > 1) {
    throw refused(specifier, `it exports ${entries.length} classes marked by pluginEntry; exactly one is needed`);
  }
  return new Entry();
}

const refused = (specifier: string, why: string, cause?: unknown): MoltError =>
  new MoltError('MOLT_PLUGIN', `the plugin "${specifier}" cannot be used: ${why}`, { cause });
