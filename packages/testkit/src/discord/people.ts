import { type APIModalInteractionResponseCallbackData, ComponentType, InteractionType } from 'discord-api-types/v10';
import type { Commands } from './commands.ts';
import type { Files } from './files.ts';
import type { InteractionAnswer, Interactions, StoredInteraction } from './interactions.ts';
import { findMentions } from './mentions.ts';
import type { Messages } from './messages.ts';
import { modalData } from './modal-data.ts';
import type { Channel, Person, StoredMessage } from './model.ts';
import { may } from './permissions.ts';
import { slashData, typeOfFile } from './slash-data.ts';
import { checkInput, findCommand, type SlashFile, type SlashOptions } from './slash-input.ts';
import { componentsIn } from './view.ts';
import type { World } from './world.ts';

/** What a human can do, in stored terms; the API for tests and the page stand on it. Each throws an Error for what a client would not let through. */
export interface People {
  say(person: Person, channel: Channel, saying: Saying): StoredMessage;
  edit(person: Person, messageId: string, text: string): void;
  remove(person: Person, messageId: string): void;
  react(person: Person, messageId: string, emoji: string): void;
  slash(person: Person, channel: Channel, typed: TypedCommand): StoredInteraction;
  autocomplete(person: Person, channel: Channel, typed: TypedCommand & { readonly focused: string }): StoredInteraction;
  press(
    person: Person,
    messageId: string,
    use: { readonly customId: string; readonly values?: readonly string[] },
  ): StoredInteraction;
  submit(
    person: Person,
    shown: ShownModal,
    values: Readonly<Record<string, string | readonly string[]>>,
  ): StoredInteraction;
  sees(person: Person, message: StoredMessage): boolean;
}

export interface Saying {
  readonly text: string;
  /** Usernames, names of roles, or the bot's: their `@name` in the text becomes a mention; one that is not there stands in front. */
  readonly mentions?: readonly string[];
  readonly files?: readonly SlashFile[];
  readonly replyTo?: string;
}

export interface TypedCommand {
  /** `run`, `job cancel` */
  readonly command: string;
  readonly options: SlashOptions;
}

/** A pop-up, and the interaction that it answered. */
export interface ShownModal {
  readonly modal: APIModalInteractionResponseCallbackData;
  readonly from: StoredInteraction;
}

interface Deps {
  readonly world: World;
  readonly messages: Messages;
  readonly files: Files;
  readonly commands: Commands;
  readonly interactions: Interactions;
}

export function createPeople({ world, messages, files, commands, interactions }: Deps): People {
  const sees = (person: Person, { channel, onlyFor, deletedAt }: StoredMessage): boolean =>
    deletedAt === undefined &&
    may(channel, person.user.id, 'ViewChannel') &&
    (onlyFor ?? person.user.id) === person.user.id;
  const seen = (person: Person, messageId: string): StoredMessage => {
    const message = messages.get(messageId);
    if (!message || !sees(person, message)) throw new Error(`${person.user.username} sees no message ${messageId}`);
    return message;
  };
  const own = (person: Person, messageId: string): StoredMessage => {
    const message = seen(person, messageId);
    if (message.api.author.id !== person.user.id)
      throw new Error(`message ${messageId} is not of ${person.user.username}`);
    return message;
  };
  const enter = (person: Person, channel: Channel): void => {
    const permission = channel.thread ? 'SendMessagesInThreads' : 'SendMessages';
    if (!may(channel, person.user.id, permission))
      throw new Error(`${person.user.username} may not write in ${channel.name}`);
  };
  const typedCommand = (person: Person, channel: Channel, { command }: TypedCommand) =>
    findCommand(command, { commands: commands.visibleIn(channel.guild?.id), channel, person });

  return {
    sees,
    say(person, channel, saying) {
      enter(person, channel);
      const content = withMentions(saying, channel, world);
      const uploads = (saying.files ?? []).map(({ name, data }, index) => ({
        index: String(index),
        name,
        type: typeOfFile(name),
        data: Buffer.from(data),
      }));
      if (content === '' && uploads.length === 0) throw new Error('a message says something or brings a file');
      if (content.length > 2000) throw new Error('a message has at most 2000 characters');
      const reference = saying.replyTo === undefined ? undefined : seen(person, saying.replyTo);
      const repliedTo = reference?.api.author.id;
      const mentioning = { content, allowed: undefined, authorId: person.user.id, channel, repliedTo, flags: 0 };
      return messages.post({
        channel,
        author: person.user,
        content,
        mentions: findMentions({ ...mentioning, defaults: ['users', 'roles', 'everyone'] }, world),
        attachments: files.attach(uploads, {}, { channelId: channel.id, ephemeral: false }),
        ...(reference ? { reference } : {}),
      });
    },
    edit: (person, messageId, text) => messages.edit(own(person, messageId), { content: text.trim() }),
    remove: (person, messageId) => messages.remove(own(person, messageId)),
    react(person, messageId, emoji) {
      messages.react(seen(person, messageId), { userId: person.user.id, emoji, given: true });
    },
    slash(person, channel, typed) {
      const found = typedCommand(person, channel, typed);
      checkInput(found.options, typed.options);
      const data = slashData(found, typed.options, { world, files, channel, userId: person.user.id });
      return interactions.open({ type: InteractionType.ApplicationCommand, data, person, channel });
    },
    autocomplete(person, channel, { focused, ...typed }) {
      const found = typedCommand(person, channel, typed);
      const option = found.options.find(({ name }) => name === focused);
      const completes = option && 'autocomplete' in option && option.autocomplete;
      if (!completes) throw new Error(`option ${focused} of /${typed.command} does not complete`);
      const data = slashData(found, typed.options, { world, files, channel, userId: person.user.id, focused });
      return interactions.open({ type: InteractionType.ApplicationCommandAutocomplete, data, person, channel });
    },
    press(person, messageId, { customId, values }) {
      const source = seen(person, messageId);
      const all = componentsIn(source.api.components ?? []);
      const component = all.find((candidate) => candidate['custom_id'] === customId);
      if (!component) throw new Error(`message ${messageId} has no component ${customId}`);
      if (component['disabled'] === true) throw new Error(`component ${customId} is disabled`);
      const isButton = component['type'] === ComponentType.Button;
      const data = {
        custom_id: customId,
        component_type: component['type'],
        id: component['id'],
        ...(isButton ? {} : { values: values ?? [] }),
      };
      return interactions.open({
        type: InteractionType.MessageComponent,
        data,
        person,
        channel: source.channel,
        source,
      });
    },
    submit(person, { modal, from }, values) {
      const data = modalData(modal, values);
      const source = from.source ? { source: from.source } : {};
      return interactions.open({ type: InteractionType.ModalSubmit, data, person, channel: from.channel, ...source });
    },
  };
}

function withMentions({ text, mentions = [] }: Saying, channel: Channel, world: World): string {
  return mentions
    .reduce((written, name) => {
      const role = [...(channel.guild?.roles.values() ?? [])].find(
        (candidate) => candidate.name === name && !candidate.managed,
      );
      const user = name === world.bot.username ? world.bot : undefined;
      const mention = role ? `<@&${role.id}>` : `<@${(user ?? world.person(name).user).id}>`;
      return written.includes(`@${name}`) ? written.replaceAll(`@${name}`, mention) : `${mention} ${written}`;
    }, text)
    .trim();
}

/** The pop-up that an interaction was answered with. @throws an Error when it was answered otherwise */
export function modalOf(interaction: StoredInteraction, answer: InteractionAnswer): ShownModal {
  if (answer.kind !== 'modal') throw new Error(`the answer is a ${answer.kind}, not a modal`);
  return { modal: answer.modal, from: interaction };
}
