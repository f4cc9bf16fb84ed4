import type { Usage } from '@moltbot/chat';
import {
  type APIApplicationCommandBasicOption,
  ApplicationCommandOptionType,
  ApplicationCommandType,
  type RESTPutAPIApplicationGuildCommandsJSONBody,
} from 'discord-api-types/v10';
import { texts } from '../events/texts.ts';

/** https://discord.com/developers/docs/interactions/application-commands#registering-a-command */
const most = { commands: 100, options: 25, choices: 25, characters: 8_000 } as const;

type Command = RESTPutAPIApplicationGuildCommandsJSONBody[number] & { options?: APIApplicationCommandBasicOption[] };

/** What Discord is to offer. What is more than it takes is left out: commands and optional options from the end, choices as completions. */
export function usageToCommands(usages: readonly Usage[]): RESTPutAPIApplicationGuildCommandsJSONBody {
  return usages.slice(0, most.commands).map(commandOf);
}

function commandOf({ verb, summary, options: all }: Usage): Command {
  const options = verb === 'script' ? scriptOptions(all) : all;
  const requiredFirst = [...options.filter(({ required }) => required), ...options.filter(({ required }) => !required)];
  const command: Command & { options: APIApplicationCommandBasicOption[] } = {
    type: ApplicationCommandType.ChatInput,
    name: verb,
    ...described(summary, verb),
    options: requiredFirst.slice(0, most.options).map(optionOf),
  };
  while (sizeOf(command) > most.characters && command.options.at(-1)?.required === false) command.options.pop();
  return command;
}

/** What a script needs is asked for in a form, or comes as a file. */
const scriptOptions = (options: readonly Option[]): readonly Option[] => [
  ...options.map((option) => ({ ...option, required: false })),
  { name: 'file', summary: texts.file, type: 'attachment', required: false },
];

type Words = Usage['summary'];
/** One of a usage, or a file. */
type Option = Omit<Usage['options'][number], 'type'> & {
  readonly type: Usage['options'][number]['type'] | 'attachment';
};

function optionOf(option: Option): APIApplicationCommandBasicOption {
  const { name, summary, required, choices = [] } = option;
  const completes = option.completes !== undefined;
  const base = { name, ...described(summary, name), required };
  // More choices than can be listed are completed while one types.
  const isListed = choices.length > 0 && choices.length <= most.choices && !completes;
  const autocomplete = completes || choices.length > most.choices;
  const listed = choices.map(({ label, value }) => ({ name: cut(label), value }));
  const texts = listed.map(({ name: label, value }) => ({ name: label, value: String(value) }));
  const numbers = listed.map(({ name: label, value }) => ({ name: label, value: Number(value) }));
  switch (option.type) {
    case 'boolean':
      return { type: ApplicationCommandOptionType.Boolean, ...base };
    case 'attachment':
      return { type: ApplicationCommandOptionType.Attachment, ...base };
    case 'string': {
      const type = ApplicationCommandOptionType.String;
      return isListed ? { type, ...base, choices: texts } : { type, ...base, autocomplete };
    }
    case 'integer': {
      const type = ApplicationCommandOptionType.Integer;
      return isListed ? { type, ...base, choices: numbers } : { type, ...base, autocomplete };
    }
    case 'number': {
      const type = ApplicationCommandOptionType.Number;
      return isListed ? { type, ...base, choices: numbers } : { type, ...base, autocomplete };
    }
  }
}

const described = (words: Words, otherwise: string) => ({
  description: cut(words.en) || cut(otherwise),
  description_localizations: { 'zh-CN': cut(words['zh-CN']) || cut(words.en) || cut(otherwise) },
});

const cut = (text: string): string => {
  const line = [...text.replace(/\s+/g, ' ').trim()];
  return line.length <= 100 ? line.join('') : `${line.slice(0, 99).join('')}…`;
};

/** Names, descriptions and values, each with its longest translation. */
function sizeOf(node: object): number {
  const { name = '', description = '', description_localizations: translated = {}, value = '' } = node as Sized;
  const { options = [], choices = [] } = node as Sized;
  const longest = Math.max(description.length, ...Object.values(translated).map((text) => text.length));
  const own = name.length + longest + (typeof value === 'string' ? value.length : 0);
  return [...options, ...choices].reduce((sum, child) => sum + sizeOf(child), own);
}

interface Sized {
  readonly name?: string;
  readonly description?: string;
  readonly description_localizations?: Readonly<Record<string, string>>;
  readonly value?: unknown;
  readonly options?: readonly object[];
  readonly choices?: readonly object[];
}
