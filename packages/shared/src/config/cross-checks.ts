import { isIP } from 'node:net';
import { z } from 'zod';
import { durationPattern, formatDuration, parseDuration } from '../duration.ts';
import { defaults } from './defaults.ts';
import type { Problem } from './layers.ts';
import { channelProblemsOf, notificationProblems, notificationsView } from './notification-checks.ts';
import { chatChannelProblems, platformProblems, platformsView } from './platform-checks.ts';
import { hintOf } from './problems.ts';

const word = z.string().optional().catch(undefined);
const mapOf = <T extends z.ZodType>(value: T) => z.record(z.string(), value).nullish().catch(null);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).catch([]);
const link = z.object({ kind: word, url: word }).catch({});
const told = z.object({ to: listOf(word) }).catch({ to: [] });
const sshOnly = ['host', 'port', 'user', 'identity', 'hostKey'] as const;

/** Reads from a tree with any other mistakes in it what the rules between values need; what is wrong in itself reads as absent, a wrong map as null. */
const view = z.object({
  bus: link,
  store: link,
  tenants: mapOf(z.object({ apiKeys: listOf(z.object({ id: word }).catch({})) }).catch({ apiKeys: [] })),
  executor: z.object({ timeouts: z.object({ queue: word }).catch({}) }).catch({ timeouts: {} }),
  guard: z.object({ retention: word }).catch({}),
  retention: z.object({ tasks: word }).catch({}),
  callbacks: z.object({ allow: listOf(word) }).catch({ allow: [] }),
  notifications: notificationsView,
  platforms: platformsView,
  calendars: mapOf(z.unknown()),
  schedules: listOf(
    z
      .object({
        id: word,
        tenant: word,
        calendars: z.object({ include: listOf(word), exclude: listOf(word) }).catch({ include: [], exclude: [] }),
        onFailure: told,
        alerts: listOf(told),
      })
      .catch({ calendars: { include: [], exclude: [] }, onFailure: { to: [] }, alerts: [] }),
  ),
  ssh: z.object({ identities: mapOf(z.unknown()) }).catch({}),
  plugins: listOf(word),
  targets: listOf(
    z
      .object({
        name: word,
        transport: word,
        tenant: word,
        identity: word,
        host: z.unknown().optional(),
        port: z.unknown().optional(),
        user: z.unknown().optional(),
        hostKey: z.unknown().optional(),
      })
      .catch({}),
  ),
});

type View = z.infer<typeof view>;

/** The rules between values. They hold whatever else is wrong, so that one look shows every mistake. */
export function crossCheck(root: Readonly<Record<string, unknown>>): readonly Problem[] {
  const config = view.parse(root);
  return [
    ...linkProblems('bus', config.bus, { kind: 'amqp', schemes: ['amqp:', 'amqps:'] }),
    ...linkProblems('store', config.store, { kind: 'redis', schemes: ['redis:', 'rediss:'] }),
    ...repeated(config.plugins).map((index) => ({ path: ['plugins', index], message: 'is the same plugin again' })),
    ...Object.entries(config.tenants ?? {}).flatMap(([id, tenant]) => keyProblems(id, tenant.apiKeys)),
    ...guardProblems(config),
    ...retentionProblems(config),
    ...callbackProblems(config),
    ...targetProblems(config),
    ...scheduleProblems(config),
    ...notificationProblems(config.notifications, tenantsOf(config)),
    ...platformProblems(config.platforms, tenantsOf(config)),
    ...chatChannelProblems(root['notifications'], config.platforms),
  ];
}

/** The id of a task follows from its Idempotency-Key: one that is forgotten here must be forgotten on its targets too. */
function retentionProblems({ retention, guard }: View): readonly Problem[] {
  const tasks = retention.tasks ?? defaults.retention.tasks;
  const kept = guard.retention ?? defaults.guard.retention;
  if (!durationPattern.test(tasks) || !durationPattern.test(kept)) return [];
  if (parseDuration(tasks) > parseDuration(kept)) return [];
  const why = 'a key that is used again must not find its former run on the target';
  if (guard.retention === undefined)
    return [{ path: ['retention', 'tasks'], message: `must be longer than guard.retention (${kept}): ${why}` }];
  return [{ path: ['guard', 'retention'], message: `must be shorter than retention.tasks (${tasks}): ${why}` }];
}

/** A guarded run that starts after its target has forgotten it could be one that ran before. */
function guardProblems({ executor, guard }: View): readonly Problem[] {
  const queue = executor.timeouts.queue ?? defaults.executor.timeouts.queue;
  const retention = guard.retention ?? defaults.guard.retention;
  if (!durationPattern.test(queue) || !durationPattern.test(retention)) return [];
  if (parseDuration(queue) < parseDuration(retention)) return [];
  const start = `a run may start ${formatDuration(parseDuration(queue))} after its acceptance`;
  if (guard.retention === undefined) {
    const message = `must be shorter than guard.retention (${retention}): ${start}, when its target would have forgotten it`;
    return [{ path: ['executor', 'timeouts', 'queue'], message }];
  }
  const message = `must be longer than executor.timeouts.queue (${queue}): ${start}, and its target must remember it then`;
  return [{ path: ['guard', 'retention'], message }];
}

const callbackProblems = ({ callbacks }: View): readonly Problem[] =>
  callbacks.allow.flatMap((entry, index) =>
    entry === undefined || !entry.includes('/') || isCidr(entry)
      ? []
      : [
          {
            path: ['callbacks', 'allow', index],
            message: 'must be an address and the length of a prefix, as in 10.0.0.0/8',
          },
        ],
  );

function isCidr(text: string): boolean {
  const [address = '', length = ''] = text.split('/');
  const version = isIP(address);
  return version !== 0 && Number(length) <= (version === 4 ? 32 : 128);
}

function linkProblems(
  name: 'bus' | 'store',
  { kind, url }: View['bus'],
  remote: { readonly kind: string; readonly schemes: readonly string[] },
): readonly Problem[] {
  const schemes = remote.schemes.map((scheme) => `${scheme}//`).join(' or ');
  if (url === undefined) {
    if (kind !== remote.kind) return [];
    return [{ path: [name, 'kind'], message: `needs ${name}.url, which begins with ${schemes}` }];
  }
  const path = [name, 'url'];
  if (kind === 'embedded') return [{ path, message: 'does not go with kind embedded: delete one of the two' }];
  const parsed = URL.parse(url);
  const escapes = 'write / @ : # in a password as %2F %40 %3A %23';
  if (!parsed) return [{ path, message: `must be a URL that begins with ${schemes}; ${escapes}` }];
  if (!remote.schemes.includes(parsed.protocol)) return [{ path, message: `must begin with ${schemes}` }];
  return parsed.hostname === '' ? [{ path, message: 'names no host' }] : [];
}

const keyProblems = (tenant: string, keys: readonly { readonly id?: string | undefined }[]): readonly Problem[] =>
  repeated(keys.map(({ id }) => id)).map((index) => ({
    path: ['tenants', tenant, 'apiKeys', index, 'id'],
    message: 'is the id of an earlier key of this tenant',
  }));

function targetProblems({ targets, tenants, ssh }: View): readonly Problem[] {
  const names = targets.map(({ name, tenant = defaults.tenant }) => name && `${tenant} ${name}`);
  const known = {
    tenants: tenants === undefined ? [defaults.tenant] : tenants && Object.keys(tenants),
    identities: ssh.identities ? Object.keys(ssh.identities) : null,
  };
  return [
    ...repeated(names).map((index) => ({
      path: ['targets', index, 'name'],
      message: 'is the name of an earlier target of this tenant',
    })),
    ...targets.flatMap((target, index) =>
      problemsOfTarget(target, known).map(([key, message]) => ({ path: ['targets', index, key], message })),
    ),
  ];
}

/** Null where nothing can be said about a name among them. */
const tenantsOf = ({ tenants }: View): readonly string[] | null =>
  tenants === undefined ? [defaults.tenant] : tenants && Object.keys(tenants);

function scheduleProblems({ schedules, calendars, tenants, notifications: { channels } }: View): readonly Problem[] {
  const names = schedules.map(({ id, tenant = defaults.tenant }) => id && `${tenant} ${id}`);
  const known = tenants === undefined ? [defaults.tenant] : tenants && Object.keys(tenants);
  const days = calendars === null ? null : Object.keys(calendars ?? {});
  const unknown = (of: string, name: string | undefined, among: readonly string[] | null): readonly string[] =>
    name === undefined || !among || among.includes(name) ? [] : [`there is no ${of} "${name}"${hintOf(name, among)}`];
  return [
    ...repeated(names).map((index) => ({
      path: ['schedules', index, 'id'],
      message: 'is the id of an earlier schedule of this tenant',
    })),
    ...schedules.flatMap(({ tenant, calendars: { include, exclude }, onFailure, alerts }, index) => [
      ...unknown('tenant', tenant, known).map((message) => ({ path: ['schedules', index, 'tenant'], message })),
      ...Object.entries({ include, exclude }).flatMap(([key, list]) =>
        list.flatMap((name, place) =>
          unknown('calendar', name, days).map((message) => ({
            path: ['schedules', index, 'calendars', key, place],
            message,
          })),
        ),
      ),
      ...channelProblemsOf(['schedules', index, 'onFailure', 'to'], { names: onFailure.to, tenant, channels }),
      ...alerts.flatMap(({ to: names }, place) =>
        channelProblemsOf(['schedules', index, 'alerts', place, 'to'], { names, tenant, channels }),
      ),
    ]),
  ];
}

/** Null where the map is wrong or absent: nothing can be said about a name in it. A gateway names identities and holds none. */
interface Known {
  readonly tenants: readonly string[] | null;
  readonly identities: readonly string[] | null;
}

type KeyProblem = readonly [key: string, message: string];

function problemsOfTarget(target: View['targets'][number], known: Known): readonly KeyProblem[] {
  const { tenant = defaults.tenant, transport = defaults.target.transport } = target;
  const noTenant: readonly KeyProblem[] =
    known.tenants && !known.tenants.includes(tenant)
      ? [['tenant', `there is no tenant "${tenant}"${hintOf(tenant, known.tenants)}`]]
      : [];
  if (transport === 'ssh') return [...noTenant, ...problemsOfSsh(target, known)];
  if (transport !== 'local') return noTenant;
  const stray = sshOnly.filter((key) => target[key] !== undefined);
  return [
    ...noTenant,
    ...stray.map((key): KeyProblem => [key, 'is for ssh targets: delete it, or set transport: ssh']),
  ];
}

function problemsOfSsh(target: View['targets'][number], { identities }: Known): readonly KeyProblem[] {
  const missing = (['host', 'user'] as const)
    .filter((key) => target[key] === undefined)
    .map((key): KeyProblem => [key, `is missing: an ssh target needs ${key}`]);
  const identity = target.identity ?? defaults.target.identity;
  if (!identities || identities.includes(identity)) return missing;
  const hint = target.identity === undefined ? ': add it, or name another one here' : hintOf(identity, identities);
  return [...missing, ['identity', `there is no "${identity}" under ssh.identities${hint}`]];
}

/** Indexes of the items that stand earlier in the list too. */
function repeated(items: readonly (string | undefined)[]): readonly number[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    if (item === undefined) return [];
    const isNew = !seen.has(item);
    seen.add(item);
    return isNew ? [] : [index];
  });
}
