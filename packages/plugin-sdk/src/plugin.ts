import type { AnyAction } from './action.ts';
import type { AnyNotifier } from './notifier.ts';

/** What a plugin says of itself. */
export interface PluginMetadata {
  /** Lower case, unique: `shell`. Its actions are named `<id>.<verb>`. */
  readonly id: string;
  /** Semantic version of the plugin. */
  readonly version: string;
  readonly summary: string;
}

/** What every plugin extends. The constructor does no I/O. */
export abstract class BasePlugin {
  abstract getMetadata(): PluginMetadata;

  /** The actions it offers. */
  actions(): readonly AnyAction[] {
    return [];
  }

  /** The kinds of channels it offers for notifications. */
  notifiers(): readonly AnyNotifier[] {
    return [];
  }
}

export type PluginClass = new () => BasePlugin;

const entryMark = Symbol.for('moltbot.plugin.entry');

/**
 * Marks the class of a module that the host shall load: `export default pluginEntry(ShellPlugin)`, or as a class decorator.
 * A module has exactly one. @throws TypeError when the class does not extend BasePlugin.
 */
export function pluginEntry<T extends PluginClass>(plugin: T, _context?: ClassDecoratorContext<T>): T {
  if (!(plugin.prototype instanceof BasePlugin)) throw new TypeError(`${plugin.name} must extend BasePlugin`);
  Object.defineProperty(plugin, entryMark, { value: true });
  return plugin;
}

/** Is it a class marked by `pluginEntry`? */
export const isPluginEntry = (value: unknown): value is PluginClass =>
  typeof value === 'function' && Object.hasOwn(value, entryMark);
