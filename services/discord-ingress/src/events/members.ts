import { type Clock, hasCode } from '@moltbot/shared';
import { type APIGuildMember, Routes } from 'discord-api-types/v10';
import type { DiscordRest } from '../rest/discord-rest.ts';

const knownForMs = 60_000;

/** Roles of a member, of messages that do not carry them. Rejects with MOLT_CHAT_DOWN when they cannot be asked for. */
export function createMembers(
  rest: DiscordRest,
  clock: Pick<Clock, 'monotonic'>,
): (guild: string, user: string) => Promise<readonly string[]> {
  const known = new Map<string, { readonly until: number; readonly roles: readonly string[] }>();
  const ask = async (guild: string, user: string): Promise<readonly string[]> => {
    try {
      return (await rest.call<APIGuildMember>('get', Routes.guildMember(guild, user))).roles;
    } catch (error) {
      // Who has left has no roles.
      if (hasCode(error, 'MOLT_CHAT_GONE') || hasCode(error, 'MOLT_CHAT_REFUSED')) return [];
      throw error;
    }
  };
  return async (guild, user) => {
    const now = clock.monotonic();
    for (const [key, { until }] of known) if (until <= now) known.delete(key);
    const key = `${guild} ${user}`;
    const roles = known.get(key)?.roles ?? (await ask(guild, user));
    known.set(key, { until: now + knownForMs, roles });
    return roles;
  };
}
