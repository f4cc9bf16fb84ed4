import type { APIApplicationCommandOptionChoice } from 'discord-api-types/v10';
import type { Interactions, StoredInteraction } from './interactions.ts';
import type { Person, StoredMessage } from './model.ts';
import { modalOf, type People, type Saying, type ShownModal } from './people.ts';
import type { SlashOptions } from './slash-input.ts';
import type { DiscordMessage } from './view.ts';
import type { World } from './world.ts';

/**
 * A human at a client. Channels are named by id, `name`, `guild/name`, or `@username` for the direct messages of that user
 * with the bot; messages by id. What a client would not let through throws an Error that says why.
 */
export interface TestUser {
  readonly id: string;
  readonly name: string;
  readonly locale: string;
  say(channel: string, text: string, options?: Omit<Saying, 'text'>): DiscordMessage;
  /** To the bot. */
  dm(text: string, options?: Omit<Saying, 'text'>): DiscordMessage;
  edit(messageId: string, text: string): void;
  remove(messageId: string): void;
  react(messageId: string, emoji: string): void;
  /** `run`, or `job cancel` for a subcommand. */
  slash(channel: string, command: string, options?: SlashOptions): UserInteraction;
  /** What the bot suggests for what is typed into one option so far. @throws when it does not answer in time */
  autocomplete(channel: string, command: string, typing: Typing): Promise<readonly APIApplicationCommandOptionChoice[]>;
  /** A button of a message that the user sees. */
  press(messageId: string, customId: string): UserInteraction;
  /** A select menu. */
  choose(messageId: string, customId: string, values: readonly string[]): UserInteraction;
  /** Fills a pop-up in, by custom id. */
  submitModal(modal: ShownModal, values: Readonly<Record<string, string | readonly string[]>>): UserInteraction;
}

export interface Typing {
  readonly option: string;
  readonly partial: string;
  /** What was typed into the others. */
  readonly others?: SlashOptions;
}

/** What the user waits for after a command, a button or a pop-up. */
export interface UserInteraction {
  readonly id: string;
  readonly token: string;
  /** The first answer. @throws "The application did not respond" when none came in 3 s */
  answer(): Promise<UserAnswer>;
}

export interface UserAnswer {
  readonly kind: 'message' | 'deferred' | 'updated' | 'choices' | 'modal';
  /** After the user acted. */
  readonly afterMs: number;
  /** As it is at the time of asking. */
  readonly message: DiscordMessage | undefined;
  /** To hand to `submitModal`. */
  readonly modal: ShownModal | undefined;
}

interface Deps {
  readonly world: World;
  readonly people: People;
  readonly interactions: Interactions;
  view(message: StoredMessage): DiscordMessage;
}

export function createTestUser(person: Person, { world, people, interactions, view }: Deps): TestUser {
  const at = (channel: string) => world.channel(channel);
  const waiting = (interaction: StoredInteraction): UserInteraction => ({
    id: interaction.api.id,
    token: interaction.api.token,
    async answer() {
      const answer = await interactions.answered(interaction);
      const { kind, afterMs } = answer;
      const message = 'message' in answer && answer.message ? view(answer.message) : undefined;
      return { kind, afterMs, message, modal: kind === 'modal' ? modalOf(interaction, answer) : undefined };
    },
  });
  return {
    id: person.user.id,
    name: person.user.username,
    locale: person.locale,
    say: (channel, text, options) => view(people.say(person, at(channel), { text, ...options })),
    dm: (text, options) => view(people.say(person, world.openDm(person.user.id), { text, ...options })),
    edit: (messageId, text) => people.edit(person, messageId, text),
    remove: (messageId) => people.remove(person, messageId),
    react: (messageId, emoji) => people.react(person, messageId, emoji),
    slash: (channel, command, options = {}) => waiting(people.slash(person, at(channel), { command, options })),
    async autocomplete(channel, command, { option, partial, others = {} }) {
      const options = { ...others, [option]: partial };
      const interaction = people.autocomplete(person, at(channel), { command, options, focused: option });
      const answer = await interactions.answered(interaction);
      return answer.kind === 'choices' ? answer.choices : [];
    },
    press: (messageId, customId) => waiting(people.press(person, messageId, { customId })),
    choose: (messageId, customId, values) => waiting(people.press(person, messageId, { customId, values })),
    submitModal: (modal, values) => waiting(people.submit(person, modal, values)),
  };
}
