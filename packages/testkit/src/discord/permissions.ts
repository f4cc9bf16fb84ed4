import { OverwriteType, PermissionFlagsBits } from 'discord-api-types/v10';
import type { Channel, Guild } from './model.ts';

/** As Discord names them: `ViewChannel`, `SendMessages`. */
export type PermissionName = keyof typeof PermissionFlagsBits;

export const botDefaults: readonly PermissionName[] = [
  'ViewChannel',
  'SendMessages',
  'SendMessagesInThreads',
  'CreatePublicThreads',
  'ManageThreads',
  'EmbedLinks',
  'AttachFiles',
  'ReadMessageHistory',
  'AddReactions',
  'MentionEveryone',
];

/** What Discord gives everyone in a new guild, as far as it is used here. Roles cannot be pinged by everyone. */
export const everyoneDefaults: readonly PermissionName[] = [
  'ViewChannel',
  'SendMessages',
  'SendMessagesInThreads',
  'CreatePublicThreads',
  'EmbedLinks',
  'AttachFiles',
  'ReadMessageHistory',
  'AddReactions',
  'UseApplicationCommands',
];

export const bitsOf = (names: readonly PermissionName[]): bigint =>
  names.reduce((bits, name) => bits | PermissionFlagsBits[name], 0n);

const everything = bitsOf(Object.keys(PermissionFlagsBits) as PermissionName[]);
/** A direct message knows no roles. */
const inDm = bitsOf([...botDefaults, 'MentionEveryone']);

/**
 * What a member may do in a channel; a thread has the overwrites of its parent.
 * https://discord.com/developers/docs/topics/permissions#permission-overwrites
 */
export function permissionsIn(channel: Channel, userId: string): bigint {
  const { guild } = channel;
  if (!guild) return channel.recipients.includes(userId) ? inDm : 0n;
  const base = guildPermissions(guild, userId);
  if (base === undefined) return 0n;
  if (base & PermissionFlagsBits.Administrator) return everything;
  const roles = rolesOf(guild, userId);
  const overwrites = (channel.parent ?? channel).overwrites;
  const apply = (bits: bigint, ids: readonly string[]): bigint => {
    const chosen = overwrites.filter(({ id }) => ids.includes(id));
    const denied = chosen.reduce((all, { deny }) => all | BigInt(deny), 0n);
    const allowed = chosen.reduce((all, { allow }) => all | BigInt(allow), 0n);
    return (bits & ~denied) | allowed;
  };
  const byRole = apply(apply(base, [guild.id]), roles);
  const byMember = overwrites.some(({ type }) => type === OverwriteType.Member) ? apply(byRole, [userId]) : byRole;
  return byMember & PermissionFlagsBits.ViewChannel ? byMember : 0n;
}

export const may = (channel: Channel, userId: string, permission: PermissionName): boolean =>
  (permissionsIn(channel, userId) & PermissionFlagsBits[permission]) !== 0n;

const rolesOf = (guild: Guild, userId: string): readonly string[] => guild.members.get(userId)?.roles ?? [];

function guildPermissions(guild: Guild, userId: string): bigint | undefined {
  if (!guild.members.has(userId)) return undefined;
  if (guild.ownerId === userId) return everything;
  const held = [guild.id, ...rolesOf(guild, userId)];
  const bits = held.reduce((all, id) => all | BigInt(guild.roles.get(id)?.permissions ?? 0), 0n);
  return bits & PermissionFlagsBits.Administrator ? everything : bits;
}
