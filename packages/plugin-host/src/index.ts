export { type ImportPlugin, loadPlugins, type PluginHost } from './plugin-host.ts';
