import type { Chat, Incoming, IncomingBase, IncomingCommand, IncomingPress } from '@moltbot/chat';
import { type Logger, type Place, withDeadline } from '@moltbot/shared';
import {
  type APIApplicationCommandAutocompleteInteraction,
  type APIInteraction,
  ApplicationCommandType,
  ComponentType,
  InteractionResponseType,
  InteractionType,
} from 'discord-api-types/v10';
import type { DiscordRest } from '../rest/discord-rest.ts';
import { timeOf } from '../snowflake.ts';
import { actorOf } from './actor.ts';
import { createAnswer, sendCallback, whisperOf } from './answer.ts';
import { isThread, type Places } from './places.ts';
import { asksForScript, formToCommand, scriptForm } from './script-form.ts';
import { attachmentsOf, focusedOf, optionsOf } from './slash-options.ts';
import { say, texts } from './texts.ts';

export interface InteractionDeps {
  readonly rest: DiscordRest;
  readonly places: Places;
  readonly chat: Pick<Chat, 'complete'>;
  readonly log: Logger;
}

/** Discord takes no answer after three seconds. */
const completeWithinMs = 2_500;
const mostChoices = 25;

/**
 * What an interaction asks of the chat; undefined when it is answered here: completions, forms to be filled in, and what comes from where
 * nobody listens. @throws MOLT_CHAT_DOWN when its place cannot be asked for
 */
export async function takeInteraction(
  interaction: APIInteraction,
  deps: InteractionDeps,
): Promise<Incoming | undefined> {
  if (interaction.type === InteractionType.Ping) return undefined;
  const user = interaction.member?.user ?? interaction.user;
  const { guild_id: guild, channel } = interaction;
  const tenant = deps.places.tenantOf({ guild });
  if (!user || !channel || tenant === undefined) return undefined;
  const parent = 'parent_id' in channel && isThread(channel.type) ? (channel.parent_id ?? undefined) : undefined;
  const place = await deps.places.placeOf({ guild, channel: channel.id, type: channel.type, parent });
  const actor = actorOf(user, { roles: interaction.member?.roles ?? [], nick: interaction.member?.nick });
  if (interaction.type === InteractionType.ApplicationCommandAutocomplete) {
    if (place) await complete(interaction, { tenant, actor, place }, deps);
    return undefined;
  }
  if (!place) return whisperNotHere(interaction, deps);
  const base = { id: interaction.id, tenant, place, actor, locale: interaction.locale, at: timeOf(interaction.id) };
  return toIncoming(interaction, base, deps);
}

type Acting = Exclude<
  APIInteraction,
  { type: InteractionType.Ping } | { type: InteractionType.ApplicationCommandAutocomplete }
>;

async function toIncoming(
  interaction: Acting,
  base: Omit<IncomingBase, 'answer'> & { readonly place: Place },
  { rest, log }: InteractionDeps,
): Promise<Incoming | undefined> {
  const asked = askedOf(interaction);
  if (!asked) {
    log.warn({ interaction: interaction.id, type: interaction.type }, 'an interaction that no command of ours makes');
    return undefined;
  }
  const isCommand = interaction.type === InteractionType.ApplicationCommand;
  if (isCommand && asked.kind === 'command' && asksForScript(asked)) {
    const data = scriptForm(asked.options, interaction.locale);
    await sendCallback(rest, interaction, { type: InteractionResponseType.Modal, data });
    return undefined;
  }
  const source = asked.kind === 'press' ? asked.message : undefined;
  return { ...base, ...asked, answer: createAnswer(rest, interaction, source) };
}

function askedOf(interaction: Acting): IncomingCommand | IncomingPress | undefined {
  switch (interaction.type) {
    case InteractionType.ApplicationCommand: {
      const { data } = interaction;
      if (data.type !== ApplicationCommandType.ChatInput) return undefined;
      const { name: verb, options = [], resolved } = data;
      return {
        kind: 'command',
        verb,
        options: optionsOf(options),
        attachments: attachmentsOf(options, resolved?.attachments),
      };
    }
    case InteractionType.MessageComponent: {
      const { data, message } = interaction;
      const isButton = data.component_type === ComponentType.Button;
      return isButton ? { kind: 'press', button: data.custom_id, message: message.id } : undefined;
    }
    case InteractionType.ModalSubmit: {
      const command = formToCommand(interaction.data);
      return command && { kind: 'command', ...command };
    }
  }
}

/** Answers in time, with nothing if need be. */
async function complete(
  interaction: APIApplicationCommandAutocompleteInteraction,
  who: Pick<IncomingBase, 'tenant' | 'actor' | 'place'>,
  { rest, chat, log }: InteractionDeps,
): Promise<void> {
  const { name: verb, options } = interaction.data;
  const focused = focusedOf(options ?? []);
  if (!focused) return;
  const completion = { ...who, verb, option: focused.name, typed: focused.typed };
  const found = await withDeadline({ ms: completeWithinMs, what: 'a completion' }, () =>
    chat.complete(completion),
  ).catch((err: unknown) => {
    log.warn({ err, verb, option: focused.name }, 'nothing could be suggested');
    return [];
  });
  const choices = found.slice(0, mostChoices).flatMap(({ label, value }) => {
    const name = [...label].slice(0, 100).join('');
    return name === '' || value === '' || [...value].length > 100 ? [] : [{ name, value }];
  });
  const type = InteractionResponseType.ApplicationCommandAutocompleteResult;
  await sendCallback(rest, interaction, { type, data: { choices } });
}

async function whisperNotHere(interaction: Acting, { rest }: InteractionDeps): Promise<undefined> {
  const data = whisperOf({ tone: 'neutral', text: [say(texts.notHere, interaction.locale)] });
  await sendCallback(rest, interaction, { type: InteractionResponseType.ChannelMessageWithSource, data });
  return undefined;
}
