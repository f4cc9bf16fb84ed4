import { type APIMessage, Routes } from 'discord-api-types/v10';
import type { DiscordRest } from '../rest/discord-rest.ts';
import { isAfter, later } from '../snowflake.ts';
import type { SeenMessages } from './seen.ts';

export interface Deafness {
  /** A message came over the gateway. */
  hear(channel: string, messageId: string): void;
  /** One look. @returns true when a message was written that no event has told of since the look before */
  look(): Promise<boolean>;
}

/** As many channels are looked at, those of the newest messages. */
const looked = 5;

/**
 * Whether messages come at all: a connection can answer heartbeats and bring nothing. The newest message of a channel, as REST has it,
 * has to have come over the gateway by the next look.
 */
export function createDeafness(rest: DiscordRest, seen: SeenMessages): Deafness {
  const heard = new Map<string, string>();
  let suspects = new Map<string, string>();
  const isUnheard = (channel: string, id: string): boolean =>
    isAfter(id, later(heard.get(channel) ?? '0', seen.lastOf(channel) ?? '0'));
  return {
    hear(channel, messageId) {
      heard.set(channel, later(messageId, heard.get(channel) ?? '0'));
    },
    async look() {
      const next = new Map<string, string>();
      for (const { channel } of seen.channels().slice(0, looked)) {
        const query = { limit: '1' };
        const [newest] = await rest
          .call<APIMessage[]>('get', Routes.channelMessages(channel), { query })
          .catch(() => []);
        if (newest && isUnheard(channel, newest.id)) next.set(channel, newest.id);
      }
      const isDeaf = [...suspects].some(([channel, id]) => isUnheard(channel, id));
      suspects = isDeaf ? new Map() : next;
      return isDeaf;
    },
  };
}
