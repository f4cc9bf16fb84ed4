import { MessageFlags } from 'discord-api-types/v10';
import { refusal } from './api-error.ts';
import type { StoredInteraction } from './interactions.ts';
import { isLoading } from './messages.ts';
import type { StoredMessage } from './model.ts';
import { type InteractionDeps, respond } from './rest-interactions.ts';
import { type Route, route } from './router.ts';

/**
 * Follow-ups and the first answer, by the interaction's token: 15 minutes, and not before the callback.
 * https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
 */
export function createWebhookRoutes(deps: InteractionDeps): readonly Route[] {
  const { settings, world, interactions, messages, writer } = deps;
  const answered = (application: string, token: string): StoredInteraction => {
    const interaction = interactions.byToken(token);
    const ended = interaction && Date.now() - interaction.at > settings.timing.interactionToken;
    if (!interaction || ended) throw refusal('invalidWebhookToken');
    if (application !== world.applicationId || !interaction.answer) throw refusal('unknownWebhook');
    return interaction;
  };
  const named = (interaction: StoredInteraction, id: string): StoredMessage => {
    const candidates = [interaction.original, ...interaction.followUps];
    const found = id === '@original' ? interaction.original : candidates.find((message) => message?.api.id === id);
    if (!found || found.deletedAt !== undefined) throw refusal('unknownMessage');
    return found;
  };
  return [
    route('POST', '/webhooks/:application/:token', ({ params, fields, files }) => {
      const interaction = answered(params.application, params.token);
      const { original } = interaction;
      const isWaitedFor = original && original !== interaction.source && original.deletedAt === undefined;
      if (isWaitedFor && isLoading(original)) {
        writer.rewrite(original, fields, { files });
        return { body: original.api };
      }
      const ephemeral = (Number(fields['flags'] ?? 0) & MessageFlags.Ephemeral) !== 0;
      const reference = original && original.onlyFor === undefined ? { reference: original } : {};
      const message = respond(interaction, { body: fields, files, ephemeral, ...reference }, deps);
      interaction.followUps.push(message);
      return { body: message.api };
    }),
    route('GET', '/webhooks/:application/:token/messages/:message', ({ params }) => ({
      body: named(answered(params.application, params.token), params.message).api,
    })),
    route('PATCH', '/webhooks/:application/:token/messages/:message', ({ params, fields, files }) => {
      const message = named(answered(params.application, params.token), params.message);
      writer.rewrite(message, fields, { files });
      return { body: message.api };
    }),
    route('DELETE', '/webhooks/:application/:token/messages/:message', ({ params }) => {
      messages.remove(named(answered(params.application, params.token), params.message));
      return {};
    }),
  ];
}
