import { z } from 'zod';
import { defaults } from './defaults.ts';
import type { Problem } from './layers.ts';
import { hintOf } from './problems.ts';

const word = z.string().optional().catch(undefined);
const tenanted = z.object({ tenant: word }).catch({});
const mapOf = <T extends z.ZodType>(value: T) => z.record(z.string(), value).catch({});

interface Tenanted {
  readonly tenant?: string | undefined;
}

/** What the rules between values need of the section. */
export interface PlatformsView {
  readonly discord: Readonly<
    Record<
      string,
      { readonly guilds: Readonly<Record<string, Tenanted>>; readonly directMessages?: string | undefined }
    >
  >;
  readonly lark: Readonly<Record<string, Tenanted & { readonly appId?: string | undefined }>>;
  readonly aliases: readonly (Tenanted & { readonly name?: string | undefined })[];
}

/** Reads it from a section with any other mistakes in it. */
export const platformsView: z.ZodType<PlatformsView> = z
  .object({
    discord: mapOf(z.object({ guilds: mapOf(tenanted), directMessages: word }).catch({ guilds: {} })),
    lark: mapOf(z.object({ tenant: word, appId: word }).catch({})),
    aliases: z.array(z.object({ tenant: word, name: word }).catch({})).catch([]),
  })
  .catch({ discord: {}, lark: {}, aliases: [] });

/** @param tenants null where nothing can be said about a name among them */
export function platformProblems(view: PlatformsView, tenants: readonly string[] | null): readonly Problem[] {
  const { discord, lark, aliases } = view;
  const tenantProblems = (path: Problem['path'], tenant: string = defaults.tenant): readonly Problem[] =>
    tenants === null || tenants.includes(tenant)
      ? []
      : [{ path, message: `there is no tenant "${tenant}"${hintOf(tenant, tenants)}` }];
  const at = (...path: readonly (string | number)[]): Problem['path'] => ['platforms', ...path];
  return [
    ...Object.entries(discord).flatMap(([name, { guilds, directMessages }]) => [
      ...Object.entries(guilds).flatMap(([id, { tenant }]) =>
        tenantProblems(at('discord', name, 'guilds', id, 'tenant'), tenant),
      ),
      ...(directMessages === undefined ? [] : tenantProblems(at('discord', name, 'directMessages'), directMessages)),
    ]),
    ...Object.entries(lark).flatMap(([name, { tenant }]) => tenantProblems(at('lark', name, 'tenant'), tenant)),
    ...sameApp(lark),
    ...aliases.flatMap(({ tenant }, index) => tenantProblems(at('aliases', index, 'tenant'), tenant)),
    ...sameAlias(aliases),
  ];
}

/** Two bots of one app would share its events, and each lose half of them. */
function sameApp(lark: PlatformsView['lark']): readonly Problem[] {
  const seen = new Set<string>();
  return Object.entries(lark).flatMap(([name, { appId }]) => {
    if (appId === undefined || !seen.has(appId)) {
      seen.add(appId ?? '');
      return [];
    }
    return [{ path: ['platforms', 'lark', name, 'appId'], message: 'is the app of an earlier bot' }];
  });
}

function sameAlias(aliases: PlatformsView['aliases']): readonly Problem[] {
  const seen = new Set<string>();
  return aliases.flatMap(({ tenant = defaults.tenant, name }, index) => {
    const key = `${tenant} ${name}`;
    if (name === undefined || !seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [{ path: ['platforms', 'aliases', index, 'name'], message: 'is an earlier alias of this tenant' }];
  });
}

const channelsView = z
  .object({
    channels: mapOf(
      z.object({ kind: word, tenant: word, options: z.object({ bot: word }).catch({}) }).catch({ options: {} }),
    ),
  })
  .catch({ channels: {} });

/** Channels of notifications in chats: their bot must be there, and be of their tenant. @param notifications as it was written */
export function chatChannelProblems(notifications: unknown, { discord, lark }: PlatformsView): readonly Problem[] {
  const bots = { discord, lark } as const;
  return Object.entries(channelsView.parse(notifications).channels).flatMap(([name, channel]) => {
    const { kind, tenant = defaults.tenant, options } = channel;
    if (kind !== 'discord' && kind !== 'lark') return [];
    const { bot = 'main' } = options;
    const path = ['notifications', 'channels', name, 'options', 'bot'];
    const known = bots[kind][bot];
    if (!known)
      return [
        { path, message: `there is no bot "${bot}" under platforms.${kind}${hintOf(bot, Object.keys(bots[kind]))}` },
      ];
    return tenantsOf(known).includes(tenant)
      ? []
      : [{ path, message: `the bot "${bot}" does not serve the tenant "${tenant}"` }];
  });
}

function tenantsOf(bot: PlatformsView['discord'][string] | PlatformsView['lark'][string]): readonly string[] {
  if (!('guilds' in bot)) return [bot.tenant ?? defaults.tenant];
  const ofGuilds = Object.values(bot.guilds).map(({ tenant }) => tenant ?? defaults.tenant);
  return bot.directMessages === undefined ? ofGuilds : [...ofGuilds, bot.directMessages];
}
