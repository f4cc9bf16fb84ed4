import type { Incoming } from '@moltbot/chat';
import type { DiscordConfig } from '@moltbot/shared';
import { type APIGuildMember, type APIMessage, type ChannelType, MessageType } from 'discord-api-types/v10';
import { timeOf } from '../snowflake.ts';
import { actorOf } from './actor.ts';
import type { Places } from './places.ts';

/** A message of an event, or one that was read from its channel. */
export type AnyMessage = APIMessage & {
  readonly guild_id?: string;
  readonly member?: Pick<APIGuildMember, 'roles' | 'nick'>;
  /** Undocumented for messages that are read. */
  readonly channel_type?: ChannelType;
};

export interface MessageReading {
  readonly config: Pick<DiscordConfig, 'prefix' | 'messageContent'>;
  readonly places: Places;
  botId(): string | undefined;
  /** Of a message that does not carry its author's roles. */
  rolesOf(guild: string, user: string): Promise<readonly string[]>;
}

/** Undefined when it is not for the bot. @throws MOLT_CHAT_DOWN when the place or the author cannot be asked for */
export async function messageToIncoming(message: AnyMessage, reading: MessageReading): Promise<Incoming | undefined> {
  const { places } = reading;
  const { id, guild_id: guild, channel_id: channel, channel_type: type, author, member } = message;
  if (!isOfPerson(message)) return undefined;
  const tenant = places.tenantOf({ guild });
  if (tenant === undefined) return undefined;
  const text = await addressedText(message, reading);
  if (text === undefined) return undefined;
  const place = await places.placeOf({ guild, channel, type });
  if (!place) return undefined;
  const roles = guild === undefined ? [] : (member?.roles ?? (await reading.rolesOf(guild, author.id)));
  return {
    ...{ kind: 'text', id, tenant, place, text, message: id, at: timeOf(id) },
    actor: actorOf(author, { roles, nick: member?.nick }),
    locale: guild === undefined ? undefined : (await places.guild(guild)).locale,
    attachments: message.attachments.map(({ url, filename, size }) => ({
      id: url,
      name: filename,
      bytes: size,
      message: id,
    })),
  };
}

function isOfPerson({ author, webhook_id: webhook, type }: AnyMessage): boolean {
  const isOfBot = author.bot === true || author.system === true || webhook !== undefined;
  return !isOfBot && (type === MessageType.Default || type === MessageType.Reply);
}

/** What is said to the bot: all of a direct message, else what follows a mention of it or the prefix. */
async function addressedText(
  { content, guild_id: guild, attachments }: AnyMessage,
  { config, places, botId }: MessageReading,
): Promise<string | undefined> {
  const written = content.trim();
  const unprefixed = written.startsWith(config.prefix) ? written.slice(config.prefix.length).trim() : undefined;
  const mention = /^<@(!|&)?(\d+)>/.exec(written);
  const rest = mention && written.slice(mention[0].length).trim();
  const isOfBot = mention && mention[1] !== '&' && mention[2] === botId();
  if (isOfBot && rest !== null) return rest;
  if (guild === undefined) return written === '' && attachments.length === 0 ? undefined : (unprefixed ?? written);
  if (config.messageContent && unprefixed !== undefined) return unprefixed === '' ? undefined : unprefixed;
  // People who look for the bot by its name are offered its role too.
  const isOfRole = mention?.[1] === '&' && mention[2] === (await places.guild(guild)).botRole;
  return isOfRole && rest !== null ? rest : undefined;
}
