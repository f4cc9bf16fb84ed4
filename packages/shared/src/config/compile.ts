import { isAbsolute, join } from 'node:path';
import { Secret } from '../secret.ts';
import type { Config, InventoryTarget } from './config.ts';
import { defaults } from './defaults.ts';
import { compileNotifications } from './notifications-compile.ts';
import type { Path } from './path.ts';
import type { ConfigDraft } from './schema.ts';
import type { TargetDraft } from './target-schema.ts';

/**
 * What a user wrote, checked, as what the parts of Moltbot work with; frozen to the last leaf.
 * @param absolute makes a path that is written at `at` absolute
 */
export function compileConfig(draft: ConfigDraft, absolute: (path: string, at: Path) => string): Config {
  const dataDir = absolute(draft.dataDir, ['dataDir']);
  const { knownHosts, identities } = draft.ssh;
  return freeze({
    ...draft,
    dataDir,
    bus: draft.bus.url ? { kind: 'amqp', url: draft.bus.url } : { kind: 'embedded' },
    store: draft.store.url ? { kind: 'redis', url: draft.store.url } : { kind: 'embedded' },
    ssh: {
      ...draft.ssh,
      knownHosts: knownHosts === undefined ? join(dataDir, 'known_hosts') : absolute(knownHosts, ['ssh', 'knownHosts']),
      identities: byName(identities, (identity, name) => ({
        ...identity,
        agent: identity.agent && absolute(identity.agent, ['ssh', 'identities', name, 'agent']),
      })),
    },
    plugins: draft.plugins.map((plugin, index) => (isPath(plugin) ? absolute(plugin, ['plugins', index]) : plugin)),
    tenants: byName(draft.tenants, (tenant) => tenant),
    targets: draft.targets?.map(compileTarget) ?? defaultTargets(draft),
    notifications: compileNotifications(draft.notifications),
    calendars: byName(draft.calendars, ({ ics, ...rest }, name) => ({
      ...rest,
      ...(ics !== undefined && { ics: absolute(ics, ['calendars', name, 'ics']) }),
    })),
  });
}

function compileTarget(draft: TargetDraft): InventoryTarget {
  const { transport, host, port, user, identity, hostKey, ...base } = draft;
  if (transport === 'local' || host === undefined || user === undefined) return { ...base, transport: 'local' };
  return {
    ...base,
    transport: 'ssh',
    host,
    port: port ?? defaults.target.port,
    user,
    identity: identity ?? defaults.target.identity,
    ...(hostKey === undefined ? {} : { hostKey }),
  };
}

/** The host of the executor, for the tenant that is there by default; never for one that somebody named. */
const defaultTargets = ({ tenants }: ConfigDraft): readonly InventoryTarget[] =>
  Object.hasOwn(tenants, defaults.tenant)
    ? [{ name: 'local', labels: {}, transport: 'local', tenant: defaults.tenant, pool: defaults.target.pool }]
    : [];

/** A package is named, everything else is a path. */
const isPath = (plugin: string): boolean => isAbsolute(plugin) || /^(?:\.{1,2}|~)\//.test(plugin);

/** Without a prototype, so that no name finds `constructor` and the like. */
function byName<T, U>(items: Readonly<Record<string, T>>, change: (item: T, name: string) => U): Record<string, U> {
  const entries = Object.entries(items).map(([name, item]) => [name, change(item, name)] as const);
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
