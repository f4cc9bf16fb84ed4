import type { APIInteraction } from 'discord-api-types/v10';
import { type Bell, createBell } from './bell.ts';
import type { Channel, StoredMessage } from './model.ts';

/** What happens in the world, before it is told to anybody: the gateway and the page listen. */
export type Change =
  | { readonly kind: 'message-created' | 'message-edited' | 'message-deleted'; readonly message: StoredMessage }
  | { readonly kind: 'thread-created' | 'thread-updated' | 'channel-deleted'; readonly channel: Channel }
  | { readonly kind: 'interaction'; readonly channel: Channel; readonly interaction: APIInteraction }
  | { readonly kind: 'typing'; readonly channel: Channel; readonly userId: string }
  | ReactionChange;

export interface ReactionChange {
  readonly kind: 'reaction-added' | 'reaction-removed';
  readonly message: StoredMessage;
  readonly userId: string;
  /** The character. */
  readonly emoji: string;
}

export type Changes = Bell<Change>;

export const createChanges = (): Changes => createBell<Change>();
