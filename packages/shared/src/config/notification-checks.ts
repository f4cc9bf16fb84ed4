import { z } from 'zod';
import { logChannel } from '../channel-names.ts';
import { nearest } from '../nearest.ts';
import { defaults } from './defaults.ts';
import type { Problem } from './layers.ts';
import { hintOf } from './problems.ts';

const word = z.string().optional().catch(undefined);
const words = z.array(word).catch([]);

/** Which keys belong to which kind, and which of them must be there. */
const kinds = {
  webhook: { needs: ['url', 'secret'], may: ['allow'] },
  email: { needs: ['host', 'from', 'to'], may: ['port', 'security', 'user', 'password', 'ca'] },
  log: { needs: [], may: [] },
} as const satisfies Readonly<Record<string, { readonly needs: readonly string[]; readonly may: readonly string[] }>>;

const texts = ['kind', 'tenant', 'user', 'password'] as const;
const others = ['url', 'secret', 'allow', 'host', 'port', 'security', 'ca', 'from', 'to', 'options'] as const;
type Channel = { readonly [K in (typeof texts)[number]]?: string | undefined } & {
  readonly [K in (typeof others)[number]]?: unknown;
};

interface View {
  readonly channels?: Readonly<Record<string, Channel>> | null | undefined;
  readonly routes: readonly { readonly tenant?: string | undefined; readonly to: readonly (string | undefined)[] }[];
  readonly quietHours: readonly {
    readonly tenant?: string | undefined;
    readonly channels: readonly (string | undefined)[];
  }[];
}

const channel: z.ZodType<Channel> = z
  .object(
    Object.fromEntries([...texts.map((key) => [key, word]), ...others.map((key) => [key, z.unknown().optional()])]),
  )
  .catch({});

/** As the view of cross-checks.ts: what is wrong in itself reads as absent, a wrong map as null. */
export const notificationsView: z.ZodType<View> = z
  .object({
    channels: z.record(z.string(), channel).nullish().catch(null),
    routes: z.array(z.object({ tenant: word, to: words }).catch({ to: [] })).catch([]),
    quietHours: z.array(z.object({ tenant: word, channels: words }).catch({ channels: [] })).catch([]),
  })
  .catch({ channels: null, routes: [], quietHours: [] });

/** @param tenants null where nothing can be said about a name among them */
export function notificationProblems(view: View, tenants: readonly string[] | null): readonly Problem[] {
  const { channels, routes, quietHours } = view;
  const at = (...path: Problem['path']): Problem['path'] => ['notifications', ...path];
  const tenantProblems = (path: Problem['path'], tenant: string = defaults.tenant): readonly Problem[] =>
    tenants === null || tenants.includes(tenant)
      ? []
      : [{ path: [...path, 'tenant'], message: `there is no tenant "${tenant}"${hintOf(tenant, tenants)}` }];
  return [
    ...Object.entries(channels ?? {}).flatMap(([name, each]) => [
      ...tenantProblems(at('channels', name), each.tenant),
      ...channelProblems(each).map(([key, message]) => ({ path: at('channels', name, key), message })),
    ]),
    ...routes.flatMap(({ tenant, to }, index) => [
      ...tenantProblems(at('routes', index), tenant),
      ...channelProblemsOf(at('routes', index, 'to'), { names: to, tenant, channels }),
    ]),
    ...quietHours.flatMap(({ tenant, channels: names }, index) => [
      ...tenantProblems(at('quietHours', index), tenant),
      ...channelProblemsOf(at('quietHours', index, 'channels'), { names, tenant, channels }),
    ]),
  ];
}

/** Names at `path` that are no channels of the tenant. */
export const channelProblemsOf = (
  path: Problem['path'],
  {
    names,
    tenant,
    channels,
  }: Pick<View, 'channels'> & {
    readonly names: readonly (string | undefined)[];
    readonly tenant: string | undefined;
  },
): readonly Problem[] =>
  names.flatMap((name, index) =>
    whyUnknown(name, tenant, channels).map((message) => ({ path: [...path, index], message })),
  );

type KeyProblem = readonly [key: string, message: string];

function channelProblems(channel: Channel): readonly KeyProblem[] {
  const { kind } = channel;
  if (kind === undefined) return [];
  if (!isBuiltIn(kind)) return foreignProblems(kind, channel);
  const { needs, may } = kinds[kind];
  const own: readonly string[] = [...needs, ...may];
  const given = Object.entries(channel).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  const stray = given.filter((key) => key !== 'kind' && key !== 'tenant' && !own.includes(key));
  return [
    ...needs
      .filter((key) => channel[key] === undefined)
      .map((key): KeyProblem => [key, `is missing: a channel of the kind ${kind} needs ${key}`]),
    ...stray.map((key): KeyProblem => [key, `is not for the kind ${kind}: delete it`]),
    ...loginProblems(channel),
  ];
}

const loginProblems = ({ kind, user, password }: Channel): readonly KeyProblem[] => {
  if (kind !== 'email' || (user === undefined) === (password === undefined)) return [];
  return user === undefined ? [['password', 'has no user beside it']] : [['user', 'has no password beside it']];
};

/** Whether a plugin offers the kind is known when the plugins are loaded. */
function foreignProblems(kind: string, { options, ...channel }: Channel): readonly KeyProblem[] {
  const stray = Object.entries(channel).flatMap(([key, value]) =>
    value === undefined || key === 'kind' || key === 'tenant' ? [] : [key],
  );
  const meant = nearest(kind, builtIn);
  if (meant !== undefined && options === undefined) {
    return [['kind', `there is no kind "${kind}"; did you mean "${meant}"?`]];
  }
  const owner = (key: string): string => builtIn.find((each) => owns(each, key)) ?? 'another kind';
  return stray.map((key): KeyProblem => [key, `is for ${owner(key)}: what a plugin asks for stands under options`]);
}

const builtIn = Object.keys(kinds) as readonly (keyof typeof kinds)[];
const isBuiltIn = (kind: string): kind is keyof typeof kinds => Object.hasOwn(kinds, kind);

function owns(kind: keyof typeof kinds, key: string): boolean {
  const { needs, may }: { readonly needs: readonly string[]; readonly may: readonly string[] } = kinds[kind];
  return needs.includes(key) || may.includes(key);
}

function whyUnknown(
  name: string | undefined,
  tenant: string = defaults.tenant,
  channels: View['channels'],
): readonly string[] {
  if (name === undefined || channels === null) return [];
  const owner = channels && Object.hasOwn(channels, name) ? (channels[name]?.tenant ?? defaults.tenant) : undefined;
  if (owner === tenant || name === logChannel) return [];
  if (owner !== undefined) return [`the channel "${name}" belongs to the tenant "${owner}"`];
  const own = Object.entries(channels ?? {}).flatMap(([each, of]) =>
    (of.tenant ?? defaults.tenant) === tenant ? [each] : [],
  );
  return [`there is no channel "${name}"${hintOf(name, [...own, logChannel])}`];
}
