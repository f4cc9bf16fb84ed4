import type { APIGuildMember } from 'discord-api-types/v10';
import { refusal } from './api-error.ts';
import type { Guild } from './model.ts';
import { channelPayload, guildPayload, memberPayload, threadPayload } from './payloads.ts';
import { may, permissionsIn } from './permissions.ts';
import type { RestDeps } from './rest-messages.ts';
import { type Route, route } from './router.ts';

/** The application, its bot, guilds with their roles and members, users. */
export function createGuildRoutes({ settings, world, access }: RestDeps): readonly Route[] {
  const member = (guild: Guild, userId: string): APIGuildMember => {
    const user = world.findUser(userId);
    if (!user) throw refusal('unknownUser');
    if (!guild.members.has(userId)) throw refusal('unknownMember');
    return { ...memberPayload(guild, userId), user };
  };
  const application = () => ({ body: applicationPayload(world.applicationId, settings.bot, world.guilds.length) });
  return [
    route('GET', '/users/@me', () => ({ body: world.bot })),
    route('GET', '/applications/@me', application),
    route('GET', '/oauth2/applications/@me', application),
    route('GET', '/users/@me/guilds', () => ({
      body: world.guilds.map((guild) => ({
        id: guild.id,
        name: guild.name,
        icon: null,
        banner: null,
        owner: false,
        permissions: String(botPermissions(guild, world.bot.id)),
        features: [],
      })),
    })),
    route('GET', '/users/:user', ({ params }) => {
      const user = world.findUser(params.user);
      if (!user) throw refusal('unknownUser');
      return { body: user };
    }),
    route('GET', '/guilds/:guild', ({ params }) => ({ body: guildPayload(access.guild(params.guild)) })),
    route('GET', '/guilds/:guild/channels', ({ params }) => {
      const guild = access.guild(params.guild);
      const channels = world.channels().filter((channel) => channel.guild === guild && !channel.thread);
      return { body: channels.map((channel) => channelPayload(channel, world)) };
    }),
    route('GET', '/guilds/:guild/threads/active', ({ params }) => {
      const guild = access.guild(params.guild);
      const threads = world
        .channels()
        .filter(
          (channel) =>
            channel.guild === guild && channel.thread?.archived === false && may(channel, world.bot.id, 'ViewChannel'),
        );
      return { body: { threads: threads.map(threadPayload), members: [] } };
    }),
    route('GET', '/guilds/:guild/roles', ({ params }) => ({ body: [...access.guild(params.guild).roles.values()] })),
    route('GET', '/guilds/:guild/members', ({ params, query }) => {
      const guild = access.guild(params.guild);
      // https://discord.com/developers/docs/events/gateway#http-restrictions
      if (!settings.grantedIntents.includes('GuildMembers')) throw refusal('missingAccess');
      const after = BigInt(query.get('after') ?? 0);
      const ids = [...guild.members.keys()].filter((id) => BigInt(id) > after);
      return { body: ids.slice(0, Number(query.get('limit') ?? 1)).map((id) => member(guild, id)) };
    }),
    route('GET', '/guilds/:guild/members/:user', ({ params }) => {
      const guild = access.guild(params.guild);
      return { body: member(guild, params.user === '@me' ? world.bot.id : params.user) };
    }),
  ];
}

function botPermissions(guild: Guild, botId: string): bigint {
  const channel = { guild, parent: undefined, overwrites: [], recipients: [] };
  return permissionsIn({ ...channel, id: '', name: '', topic: null, thread: undefined, lastMessageId: null }, botId);
}

const applicationPayload = (id: string, name: string, guilds: number): Record<string, unknown> => ({
  id,
  name,
  icon: null,
  description: '',
  summary: '',
  bot_public: true,
  bot_require_code_grant: false,
  verify_key: '0'.repeat(64),
  team: null,
  flags: 0,
  flags_new: '0',
  approximate_guild_count: guilds,
  interactions_endpoint_url: null,
  redirect_uris: [],
});
