import { type KnownError, refusal } from './api-error.ts';
import type { Messages } from './messages.ts';
import type { Channel, Guild, StoredMessage } from './model.ts';
import { may, type PermissionName } from './permissions.ts';
import type { World } from './world.ts';

/** What the bot may reach; everything else is refused as Discord does. */
export interface Access {
  /** A channel it sees. @throws ApiError 10003, 50001 */
  channel(id: string): Channel;
  /** @throws ApiError 10004 */
  guild(id: string): Guild;
  /** A message it may read. @throws ApiError 10008, 50001 */
  message(channelId: string, messageId: string): StoredMessage;
  /** @throws ApiError 50013 when one of them is missing */
  demand(channel: Channel, permissions: readonly PermissionName[], error?: KnownError): void;
}

export function createAccess(world: World, messages: Messages): Access {
  const demand: Access['demand'] = (channel, permissions, error = 'missingPermissions') => {
    const missing = permissions.some((permission) => !may(channel, world.bot.id, permission));
    if (channel.guild && missing) throw refusal(error);
  };
  const channel = (id: string): Channel => {
    const found = world.findChannel(id);
    if (!found) throw refusal('unknownChannel');
    demand(found, ['ViewChannel'], 'missingAccess');
    return found;
  };
  return {
    demand,
    channel,
    guild(id) {
      const found = world.guilds.find((guild) => guild.id === id);
      if (!found) throw refusal('unknownGuild');
      return found;
    },
    message(channelId, messageId) {
      const where = channel(channelId);
      demand(where, ['ReadMessageHistory'], 'missingAccess');
      const found = messages.find(where.id, messageId);
      if (!found) throw refusal('unknownMessage');
      return found;
    },
  };
}
