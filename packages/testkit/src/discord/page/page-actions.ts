import type { Fields } from '../form.ts';
import { isFields } from '../form.ts';
import type { StoredInteraction } from '../interactions.ts';
import type { Person } from '../model.ts';
import { modalOf } from '../people.ts';
import type { SlashOptions } from '../slash-input.ts';
import type { PagePlatform } from './page-views.ts';

/** Does what the browser asks in the name of a user. @returns what it shows; nothing for an unknown action. @throws an Error for people */
export type PageActions = (action: string, body: Fields) => Promise<unknown>;

export function createPageActions({ world, people, interactions }: PagePlatform): PageActions {
  /** In the language of the page. */
  const personOf = ({ user, locale }: Fields): Person => {
    const person = world.person(String(user));
    return typeof locale === 'string' ? { ...person, locale } : person;
  };
  const answerTo = async (interaction: StoredInteraction): Promise<unknown> => {
    const answer = await interactions.answered(interaction);
    if (answer.kind === 'choices') return { choices: answer.choices };
    return answer.kind === 'modal' ? { modal: answer.modal, token: interaction.api.token } : {};
  };
  const typed = (body: Fields) => ({ command: String(body['command']), options: optionsOf(body['options']) });

  const actions: Readonly<Record<string, (body: Fields) => Promise<unknown>>> = {
    async say(body) {
      const files = Array.isArray(body['files']) ? body['files'].filter(isFields).map(fileOf) : [];
      const replyTo = typeof body['replyTo'] === 'string' ? { replyTo: body['replyTo'] } : {};
      people.say(personOf(body), world.channel(String(body['channel'])), {
        text: String(body['text'] ?? ''),
        files,
        ...replyTo,
      });
      return {};
    },
    slash: (body) => answerTo(people.slash(personOf(body), world.channel(String(body['channel'])), typed(body))),
    complete: (body) =>
      answerTo(
        people.autocomplete(personOf(body), world.channel(String(body['channel'])), {
          ...typed(body),
          focused: String(body['focused']),
        }),
      ),
    press(body) {
      const values = Array.isArray(body['values']) ? { values: body['values'].map(String) } : {};
      return answerTo(
        people.press(personOf(body), String(body['message']), { customId: String(body['customId']), ...values }),
      );
    },
    submit(body) {
      const interaction = interactions.byToken(String(body['token']));
      if (!interaction?.answer) throw new Error('that form is gone');
      const values = Object.entries(isFields(body['values']) ? body['values'] : {});
      const shown = modalOf(interaction, interaction.answer);
      return answerTo(
        people.submit(personOf(body), shown, Object.fromEntries(values.map(([id, value]) => [id, String(value)]))),
      );
    },
    async react(body) {
      people.react(personOf(body), String(body['message']), String(body['emoji']));
      return {};
    },
  };
  return async (action, body) => (Object.hasOwn(actions, action) ? actions[action]?.(body) : undefined);
}

/** Files come as base64. */
const fileOf = ({ name, base64 }: Fields): { name: string; data: Buffer } => ({
  name: String(name),
  data: Buffer.from(String(base64), 'base64'),
});

type Option = SlashOptions[string];

function optionsOf(value: unknown): SlashOptions {
  const entries = Object.entries(isFields(value) ? value : {}).map(([name, option]): [string, Option | undefined] => {
    if (isFields(option)) return [name, fileOf(option)];
    const plain = typeof option === 'string' || typeof option === 'number' || typeof option === 'boolean';
    return [name, plain ? option : undefined];
  });
  return Object.fromEntries(entries.filter((entry): entry is [string, Option] => entry[1] !== undefined));
}
