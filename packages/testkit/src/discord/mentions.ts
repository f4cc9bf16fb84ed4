import { MessageFlags, PermissionFlagsBits } from 'discord-api-types/v10';
import { isFields } from './form.ts';
import type { Channel, Ping } from './model.ts';
import { may, permissionsIn } from './permissions.ts';
import type { World } from './world.ts';

export interface Mentioning {
  readonly content: string;
  /** The `allowed_mentions` of the body. */
  readonly allowed: unknown;
  /** What is parsed when the body says nothing of it. */
  readonly defaults: readonly ('users' | 'roles' | 'everyone')[];
  readonly authorId: string;
  readonly channel: Channel;
  /** The author of the message that is replied to. */
  readonly repliedTo: string | undefined;
  readonly flags: number;
}

export interface Mentions {
  readonly users: readonly string[];
  readonly roles: readonly string[];
  readonly everyone: boolean;
  readonly pings: readonly Omit<Ping, 'messageId'>[];
}

/**
 * Whom a message mentions, after `allowed_mentions` and the author's permissions.
 * https://discord.com/developers/docs/resources/message#allowed-mentions-object
 */
export function findMentions(mentioning: Mentioning, world: World): Mentions {
  const { content, authorId, channel, repliedTo, flags } = mentioning;
  const allowed = allowedBy(mentioning);
  const visible = withoutCode(content);
  const users = idsIn(visible, /<@!?(\d+)>/g).filter((id) => allowed.user(id) && world.findUser(id));
  const roles = idsIn(visible, /<@&(\d+)>/g).filter((id) => allowed.role(id) && canPingRole(channel, authorId, id));
  const mayEveryone = allowed.everyone && may(channel, authorId, 'MentionEveryone');
  const everyone = mayEveryone ? (['everyone', 'here'] as const).filter((word) => visible.includes(`@${word}`)) : [];
  const reply = repliedTo !== undefined && repliedTo !== authorId && allowed.reply ? [repliedTo] : [];
  const silent = (flags & MessageFlags.SuppressNotifications) !== 0;
  const pings = [
    ...everyone.map((kind) => ({ kind, name: '' })),
    ...users.map((id) => ({ kind: 'user' as const, name: world.findUser(id)?.username ?? id })),
    ...roles.map((id) => ({ kind: 'role' as const, name: channel.guild?.roles.get(id)?.name ?? id })),
    ...reply.map((id) => ({ kind: 'reply' as const, name: world.findUser(id)?.username ?? id })),
  ];
  return {
    users: [...new Set([...users, ...reply])],
    roles,
    everyone: everyone.length > 0,
    pings: silent ? [] : pings,
  };
}

/** What stands in code is no mention. */
const withoutCode = (content: string): string => content.replace(/```[\s\S]*?```|`[^`\n]*`/g, '');

const idsIn = (content: string, pattern: RegExp): string[] => [
  ...new Set([...content.matchAll(pattern)].map(([, id = '']) => id)),
];

function canPingRole(channel: Channel, authorId: string, roleId: string): boolean {
  const role = channel.guild?.roles.get(roleId);
  if (!role) return false;
  return role.mentionable || (permissionsIn(channel, authorId) & PermissionFlagsBits.MentionEveryone) !== 0n;
}

interface Allowed {
  readonly everyone: boolean;
  /** A reply pings its author unless it is switched off; with `allowed_mentions` only when it is switched on. */
  readonly reply: boolean;
  user(id: string): boolean;
  role(id: string): boolean;
}

function allowedBy({ allowed, defaults }: Mentioning): Allowed {
  const given = isFields(allowed) ? allowed : undefined;
  const parse = given ? listOf(given['parse']) : defaults;
  const listed = (kind: string): readonly unknown[] => listOf(given?.[kind]);
  return {
    everyone: parse.includes('everyone'),
    reply: given ? given['replied_user'] === true : true,
    user: (id) => parse.includes('users') || listed('users').includes(id),
    role: (id) => parse.includes('roles') || listed('roles').includes(id),
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
