import type { Answer, ChatMessage } from '@moltbot/chat';
import { hasCode, isMoltError } from '@moltbot/shared';
import {
  type APIInteraction,
  type APIMessage,
  InteractionResponseType,
  MessageFlags,
  type RESTPostAPIInteractionCallbackWithResponseResult,
  Routes,
} from 'discord-api-types/v10';
import { messageToPayload } from '../message/message-to-payload.ts';
import type { DiscordRest } from '../rest/discord-rest.ts';
import { alreadyAnswered } from '../rest/rest-error.ts';

type Answered = Pick<APIInteraction, 'id' | 'token' | 'application_id'>;

export interface Callback {
  readonly type: InteractionResponseType;
  readonly data?: object;
}

/** The first answer to an interaction. @throws MOLT_CHAT_GONE when it is too late */
export async function sendCallback(
  rest: DiscordRest,
  { id, token }: Answered,
  callback: Callback,
): Promise<RESTPostAPIInteractionCallbackWithResponseResult | undefined> {
  const send = () =>
    rest.call<RESTPostAPIInteractionCallbackWithResponseResult>('post', Routes.interactionCallback(id, token), {
      body: callback,
      query: { with_response: 'true' },
      auth: false,
    });
  try {
    return await send();
  } catch (error) {
    // It may have been done: then the second one says so.
    if (hasCode(error, 'MOLT_CHAT_DOWN')) return send();
    throw error;
  }
}

const isAnswered = (error: unknown): boolean => isMoltError(error) && error.details['code'] === alreadyAnswered;

export const whisperOf = (message: ChatMessage): object => ({
  ...messageToPayload(message),
  flags: MessageFlags.Ephemeral,
});

/**
 * @param source the message a button is on: the answer to come is an edit of it; without one, a message of its own stands for it
 */
export function createAnswer(rest: DiscordRest, interaction: Answered, source: string | undefined): Answer {
  const { application_id: application, token } = interaction;
  const original = Routes.webhookMessage(application, token, '@original');
  const deferredType = source
    ? InteractionResponseType.DeferredMessageUpdate
    : InteractionResponseType.DeferredChannelMessageWithSource;
  const standing = async (): Promise<string> =>
    source ?? (await rest.call<APIMessage>('get', original, { auth: false })).id;

  const followUp = async (message: ChatMessage): Promise<void> => {
    const first = await rest.call<APIMessage>('get', original, { auth: false }).catch(() => undefined);
    const flags = first?.flags ?? 0;
    // It was whispered before: what came of that was not learned, or not noted.
    if (first?.id !== source && flags & MessageFlags.Ephemeral && !(flags & MessageFlags.Loading)) return;
    // A follow-up would fill the message that stands for an answer to come, for everyone to see.
    if (!source && flags & MessageFlags.Loading) await rest.call('delete', original, { auth: false });
    await rest.call('post', Routes.webhook(application, token), { body: whisperOf(message), auth: false });
  };

  return {
    async defer() {
      try {
        const sent = await sendCallback(rest, interaction, { type: deferredType });
        return source ?? sent?.interaction.response_message_id ?? (await standing());
      } catch (error) {
        if (isAnswered(error)) return standing();
        throw error;
      }
    },
    async whisper(message) {
      const type = InteractionResponseType.ChannelMessageWithSource;
      try {
        await sendCallback(rest, interaction, { type, data: whisperOf(message) });
      } catch (error) {
        if (!isAnswered(error)) throw error;
        await followUp(message);
      }
    },
  };
}
