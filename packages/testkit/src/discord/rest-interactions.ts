import {
  type APIApplicationCommandOptionChoice,
  type APIModalInteractionResponseCallbackData,
  InteractionType,
  MessageFlags,
  MessageType,
  InteractionResponseType as ResponseType,
} from 'discord-api-types/v10';
import { refusal } from './api-error.ts';
import { checkModal } from './component-form.ts';
import { createForm, type Fields, isFields } from './form.ts';
import { type InteractionAnswer, type Interactions, metadataOf, type StoredInteraction } from './interactions.ts';
import type { StoredMessage } from './model.ts';
import type { RestDeps } from './rest-messages.ts';
import { type ApiRequest, type Route, route } from './router.ts';

export type InteractionDeps = RestDeps & { readonly interactions: Interactions };

const noMentions = { users: [], roles: [], everyone: false, pings: [] };

/** The callback: once, and within three seconds. https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-callback */
export function createInteractionRoutes(deps: InteractionDeps): readonly Route[] {
  const { settings, interactions } = deps;
  return [
    route('POST', '/interactions/:interaction/:token/callback', (request) => {
      const interaction = interactions.find(request.params.interaction, request.params.token);
      if (!interaction) throw refusal('unknownInteraction');
      if (interaction.answer) throw refusal('alreadyAcknowledged');
      const afterMs = Date.now() - interaction.at;
      if (afterMs > settings.timing.acknowledge) throw refusal('unknownInteraction');
      checkType(interaction, request.fields['type']);
      const answer = { ...answerTo(interaction, request, deps), afterMs };
      interactions.acknowledge(interaction, answer);
      const wanted = request.query.get('with_response') === 'true';
      return wanted ? { status: 200, body: callbackPayload(interaction, request.fields['type'], answer) } : {};
    }),
  ];
}

/** Which answers an interaction takes. */
function checkType({ api, source }: StoredInteraction, type: unknown): void {
  const message = [ResponseType.ChannelMessageWithSource, ResponseType.DeferredChannelMessageWithSource];
  const update = source ? [ResponseType.DeferredMessageUpdate, ResponseType.UpdateMessage] : [];
  const allowed: Partial<Record<InteractionType, readonly ResponseType[]>> = {
    [InteractionType.ApplicationCommand]: [...message, ResponseType.Modal],
    [InteractionType.MessageComponent]: [...message, ...update, ResponseType.Modal],
    [InteractionType.ApplicationCommandAutocomplete]: [ResponseType.ApplicationCommandAutocompleteResult],
    [InteractionType.ModalSubmit]: [...message, ...update],
  };
  const form = createForm();
  form.oneOf(['type'], type, allowed[api.type] ?? []);
  form.done();
}

type Unfinished<T> = T extends unknown ? Omit<T, 'afterMs'> : never;

function answerTo(
  interaction: StoredInteraction,
  { fields, files }: ApiRequest,
  deps: InteractionDeps,
): Unfinished<InteractionAnswer> {
  const data: Fields = isFields(fields['data']) ? fields['data'] : {};
  const ephemeral = (Number(data['flags'] ?? 0) & MessageFlags.Ephemeral) !== 0;
  switch (fields['type']) {
    case ResponseType.ChannelMessageWithSource:
      interaction.original = respond(interaction, { body: data, files, ephemeral, at: ['data'] }, deps);
      return { kind: 'message', message: interaction.original };
    case ResponseType.DeferredChannelMessageWithSource:
      interaction.original = postLoading(interaction, ephemeral, deps);
      return { kind: 'deferred', message: interaction.original };
    case ResponseType.UpdateMessage:
      if (interaction.source) deps.writer.rewrite(interaction.source, data, { files, at: ['data'] });
      interaction.original = interaction.source;
      return { kind: 'updated', message: interaction.source };
    case ResponseType.ApplicationCommandAutocompleteResult:
      return { kind: 'choices', choices: checkedChoices(data['choices']) };
    case ResponseType.Modal:
      return { kind: 'modal', modal: checkedModal(data) };
    default:
      interaction.original = interaction.source;
      return { kind: 'deferred', message: interaction.source };
  }
}

export interface Response {
  readonly body: Fields;
  readonly files: ApiRequest['files'];
  readonly ephemeral: boolean;
  readonly reference?: StoredMessage;
  readonly at?: readonly string[];
}

/** A message that answers an interaction: it needs no permission of the bot. */
export function respond(
  interaction: StoredInteraction,
  { body, files, ephemeral, reference = interaction.source, at = [] }: Response,
  { world, writer }: InteractionDeps,
): StoredMessage {
  return writer.write({
    body,
    files,
    channel: interaction.channel,
    author: world.bot,
    from: 'interaction',
    type: reference ? MessageType.Reply : MessageType.ChatInputCommand,
    origin: originOf(interaction, world.applicationId),
    at,
    ...(reference ? { reference } : {}),
    ...(ephemeral ? { onlyFor: interaction.person.user.id } : {}),
  });
}

const originOf = (interaction: StoredInteraction, applicationId: string) => ({
  interaction_metadata: metadataOf(interaction),
  application_id: applicationId,
  webhook_id: applicationId,
});

const postLoading = (
  interaction: StoredInteraction,
  ephemeral: boolean,
  { world, messages }: InteractionDeps,
): StoredMessage =>
  messages.post({
    channel: interaction.channel,
    author: world.bot,
    mentions: noMentions,
    content: '',
    flags: MessageFlags.Loading | (ephemeral ? MessageFlags.Ephemeral : 0),
    type: interaction.source ? MessageType.Reply : MessageType.ChatInputCommand,
    origin: originOf(interaction, world.applicationId),
    ...(interaction.source ? { reference: interaction.source } : {}),
    ...(ephemeral ? { onlyFor: interaction.person.user.id } : {}),
  });

function checkedChoices(value: unknown): readonly APIApplicationCommandOptionChoice[] {
  const form = createForm();
  const choices = form.list(['data', 'choices'], value, 25);
  for (const [index, choice] of choices.entries()) {
    form.text(['data', 'choices', index, 'name'], choice['name'], { min: 1, max: 100 });
    if (typeof choice['value'] !== 'number') {
      form.text(['data', 'choices', index, 'value'], choice['value'], { min: 1, max: 100 });
    }
  }
  form.done();
  return choices as unknown as readonly APIApplicationCommandOptionChoice[];
}

function checkedModal(data: Fields): APIModalInteractionResponseCallbackData {
  const form = createForm();
  checkModal(form, ['data'], data);
  form.done();
  return data as unknown as APIModalInteractionResponseCallbackData;
}

/** https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-callback-interaction-callback-response-object */
function callbackPayload({ api, original }: StoredInteraction, type: unknown, answer: InteractionAnswer): unknown {
  const flags = Number(original?.api.flags ?? 0);
  const carriesMessage = answer.kind === 'message' || answer.kind === 'updated';
  return {
    interaction: {
      id: api.id,
      type: api.type,
      ...(original
        ? {
            response_message_id: original.api.id,
            response_message_loading: (flags & MessageFlags.Loading) !== 0,
            response_message_ephemeral: (flags & MessageFlags.Ephemeral) !== 0,
          }
        : {}),
    },
    resource: { type, ...(carriesMessage && original ? { message: original.api } : {}) },
  };
}
