import type { APIMessage, APIOverwrite, APIRole, APIUser, ThreadAutoArchiveDuration } from 'discord-api-types/v10';

/** No bit of any set: a literal 0 is no member of the vendor's enums. */
export const noFlags: number = 0;

/** A human with an account. */
export interface Person {
  readonly user: APIUser;
  readonly locale: string;
  readonly acceptsDms: boolean;
}

export interface Guild {
  readonly id: string;
  readonly name: string;
  readonly locale: string;
  readonly ownerId: string;
  /** `@everyone` has the id of the guild. */
  readonly roles: ReadonlyMap<string, APIRole>;
  /** By user id, the bot among them. */
  readonly members: ReadonlyMap<string, Membership>;
}

export interface Membership {
  /** Ids. */
  readonly roles: readonly string[];
  readonly joinedAt: string;
}

/** A text channel, a thread, or a direct message: the one without a guild. */
export interface Channel {
  readonly id: string;
  name: string;
  readonly topic: string | null;
  readonly guild: Guild | undefined;
  readonly overwrites: readonly APIOverwrite[];
  /** User ids of a direct message. */
  readonly recipients: readonly string[];
  /** Of a thread. */
  readonly parent: Channel | undefined;
  readonly thread: Thread | undefined;
  lastMessageId: string | null;
}

export interface Thread {
  readonly ownerId: string;
  readonly createdAt: string;
  archived: boolean;
  locked: boolean;
  archiveAfterMinutes: ThreadAutoArchiveDuration;
  archiveChangedAt: string;
  messageCount: number;
}

/** A message and what became of it. */
export interface StoredMessage {
  /** As it is now, `guild_id` and `member` aside. */
  readonly api: APIMessage;
  readonly channel: Channel;
  /** The id of the only user who sees an ephemeral message. */
  readonly onlyFor: string | undefined;
  /** The first is how it was sent. */
  readonly versions: MessageVersion[];
  /** User ids by character. */
  readonly reactions: Map<string, Set<string>>;
  deletedAt: number | undefined;
}

export interface MessageVersion {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly content: string;
  readonly embeds: APIMessage['embeds'];
  readonly components: NonNullable<APIMessage['components']>;
  /** Names of its files. */
  readonly files: readonly string[];
}

/** A notification that a mention caused. */
export interface Ping {
  readonly messageId: string;
  /** `user` of alice, `role` of on-call, `everyone`, `here`, or `reply` to alice. */
  readonly kind: 'user' | 'role' | 'everyone' | 'here' | 'reply';
  /** Username or name of the role; empty for everyone and here. */
  readonly name: string;
}
