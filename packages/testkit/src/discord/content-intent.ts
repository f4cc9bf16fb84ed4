import type { APIMessage } from 'discord-api-types/v10';

/**
 * A message as an app without MESSAGE_CONTENT gets it: what people wrote is empty, but in direct messages, where the app
 * is mentioned, and what the app wrote itself. https://discord.com/developers/docs/events/gateway#message-content-intent
 */
export function withoutContent<M extends APIMessage>(message: M, { botId, isDm }: { botId: string; isDm: boolean }): M {
  const stays = isDm || message.author.id === botId || message.mentions.some(({ id }) => id === botId);
  const referenced = message.referenced_message;
  return {
    ...message,
    ...(stays ? {} : { content: '', embeds: [], attachments: [], components: [] }),
    ...(referenced ? { referenced_message: withoutContent(referenced, { botId, isDm }) } : {}),
  };
}
