import {
  type APIChannel,
  type APIDMChannel,
  type APIGuild,
  type APIGuildMember,
  type APIPublicThreadChannel,
  type APITextChannel,
  type APIUser,
  ChannelType,
  type GatewayGuildCreateDispatchData,
  GuildDefaultMessageNotifications,
  GuildExplicitContentFilter,
  GuildMFALevel,
  GuildNSFWLevel,
  GuildPremiumTier,
  GuildVerificationLevel,
  type Locale,
} from 'discord-api-types/v10';
import { type Channel, type Guild, noFlags } from './model.ts';
import type { World } from './world.ts';

/** The vendor's objects, typed by its own documentation. https://discord.com/developers/docs/resources/channel */
export function channelPayload(channel: Channel, world: World): APIChannel {
  if (channel.thread) return threadPayload(channel);
  return channel.guild ? textPayload(channel) : dmPayload(channel, world);
}

export const typeOf = ({
  guild,
  thread,
}: Channel): ChannelType.GuildText | ChannelType.PublicThread | ChannelType.DM => {
  if (thread) return ChannelType.PublicThread;
  return guild ? ChannelType.GuildText : ChannelType.DM;
};

function textPayload({ id, name, topic, guild, overwrites, lastMessageId }: Channel): APITextChannel {
  return {
    id,
    type: ChannelType.GuildText,
    ...(guild ? { guild_id: guild.id } : {}),
    name,
    topic,
    position: 0,
    permission_overwrites: [...overwrites],
    nsfw: false,
    parent_id: null,
    rate_limit_per_user: 0,
    last_message_id: lastMessageId,
    flags: noFlags,
  };
}

export function threadPayload({ id, name, guild, parent, thread, lastMessageId }: Channel): APIPublicThreadChannel {
  return {
    id,
    type: ChannelType.PublicThread,
    ...(guild ? { guild_id: guild.id } : {}),
    ...(parent ? { parent_id: parent.id } : {}),
    name,
    ...(thread ? { owner_id: thread.ownerId } : {}),
    message_count: thread?.messageCount ?? 0,
    total_message_sent: thread?.messageCount ?? 0,
    member_count: 1,
    rate_limit_per_user: 0,
    last_message_id: lastMessageId,
    thread_metadata: {
      archived: thread?.archived ?? false,
      auto_archive_duration: thread?.archiveAfterMinutes ?? 1440,
      archive_timestamp: thread?.archiveChangedAt ?? '',
      create_timestamp: thread?.createdAt ?? '',
      locked: thread?.locked ?? false,
    },
    flags: noFlags,
  };
}

function dmPayload({ id, recipients, lastMessageId }: Channel, world: World): APIDMChannel {
  const others = recipients.filter((userId) => userId !== world.bot.id).map((userId) => world.findUser(userId));
  return {
    id,
    type: ChannelType.DM,
    name: null,
    recipients: others.filter((user): user is APIUser => user !== undefined),
    last_message_id: lastMessageId,
    flags: noFlags,
  };
}

/** Without its user, as a message carries it. */
export function memberPayload(guild: Guild, userId: string): Omit<APIGuildMember, 'user'> {
  const { roles = [], joinedAt = null } = guild.members.get(userId) ?? {};
  return { roles: [...roles], joined_at: joinedAt, deaf: false, mute: false, flags: noFlags };
}

export function guildPayload(guild: Guild): APIGuild {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    owner_id: guild.ownerId,
    afk_channel_id: null,
    afk_timeout: 300,
    verification_level: GuildVerificationLevel.None,
    default_message_notifications: GuildDefaultMessageNotifications.OnlyMentions,
    explicit_content_filter: GuildExplicitContentFilter.Disabled,
    roles: [...guild.roles.values()],
    emojis: [],
    features: [],
    mfa_level: GuildMFALevel.None,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: noFlags,
    rules_channel_id: null,
    vanity_url_code: null,
    description: null,
    banner: null,
    premium_tier: GuildPremiumTier.None,
    preferred_locale: guild.locale as Locale,
    public_updates_channel_id: null,
    nsfw_level: GuildNSFWLevel.Default,
    premium_progress_bar_enabled: false,
    hub_type: null,
    safety_alerts_channel_id: null,
    incidents_data: null,
  };
}

/**
 * What a session learns of a guild. Members are all of them with the intent for it, else the bot alone.
 * https://discord.com/developers/docs/events/gateway-events#guild-create
 */
export function guildCreatePayload(
  guild: Guild,
  { world, allMembers, channels }: { world: World; allMembers: boolean; channels: readonly Channel[] },
): GatewayGuildCreateDispatchData {
  const memberIds = allMembers ? [...guild.members.keys()] : [world.bot.id];
  const members = memberIds.flatMap((userId) => {
    const user = world.findUser(userId);
    return user ? [{ ...memberPayload(guild, userId), user }] : [];
  });
  return {
    ...guildPayload(guild),
    joined_at: guild.members.get(world.bot.id)?.joinedAt ?? '',
    large: false,
    unavailable: false,
    member_count: guild.members.size,
    voice_states: [],
    members,
    channels: channels.filter(({ thread }) => !thread).map(textPayload),
    threads: channels.filter(({ thread }) => thread && !thread.archived).map(threadPayload),
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}
