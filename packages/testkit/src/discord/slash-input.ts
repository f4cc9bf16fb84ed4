import {
  type APIApplicationCommand,
  type APIApplicationCommandOption,
  ApplicationCommandType,
  InteractionContextType,
  ApplicationCommandOptionType as OptionType,
} from 'discord-api-types/v10';
import type { Channel, Person } from './model.ts';
import { permissionsIn } from './permissions.ts';

/** What a user types into the options of a slash command. Users, channels and roles by id or name, a file as its name and bytes. */
export type SlashOptions = Readonly<Record<string, string | number | boolean | SlashFile>>;

export interface SlashFile {
  readonly name: string;
  readonly data: string | Buffer;
}

/** A command, or one of its subcommands, with the way to it. */
export interface FoundCommand {
  readonly command: APIApplicationCommand;
  /** Of groups and subcommands. */
  readonly steps: readonly { readonly name: string; readonly type: OptionType }[];
  readonly options: readonly APIApplicationCommandOption[];
}

/**
 * Finds what `job cancel` names among the commands of a channel, and refuses what the user's client would not offer.
 * @throws an Error that says why
 */
export function findCommand(
  name: string,
  { commands, channel, person }: { commands: readonly APIApplicationCommand[]; channel: Channel; person: Person },
): FoundCommand {
  const [root = '', ...rest] = name.replace(/^\//, '').split(/\s+/);
  const offered = commands.filter(({ type }) => type === ApplicationCommandType.ChatInput);
  const command = offered.find((candidate) => candidate.name === root);
  if (!command)
    throw new Error(`no command /${root} here; there are ${offered.map((each) => `/${each.name}`).join(', ')}`);
  refuseHidden(command, channel, person);
  const steps: { name: string; type: OptionType }[] = [];
  let options: readonly APIApplicationCommandOption[] = command.options ?? [];
  for (const step of rest) {
    const next = options.find((option) => option.name === step && isNesting(option.type));
    if (!next) throw new Error(`/${root} has no subcommand ${step}`);
    steps.push({ name: next.name, type: next.type });
    options = 'options' in next ? (next.options ?? []) : [];
  }
  if (options.some(({ type }) => isNesting(type))) {
    throw new Error(`/${name} needs one of its subcommands: ${options.map((option) => option.name).join(', ')}`);
  }
  return { command, steps, options };
}

const isNesting = (type: OptionType): boolean => type === OptionType.Subcommand || type === OptionType.SubcommandGroup;

/** https://discord.com/developers/docs/interactions/application-commands#contexts */
function refuseHidden(command: APIApplicationCommand, channel: Channel, person: Person): void {
  const context = channel.guild ? InteractionContextType.Guild : InteractionContextType.BotDM;
  if (command.contexts && !command.contexts.includes(context)) throw new Error(`/${command.name} is not offered here`);
  const needed = command.default_member_permissions;
  if (needed === null || needed === undefined || !channel.guild) return;
  const held = permissionsIn(channel, person.user.id);
  // `0` is for administrators alone, and those have every bit.
  const asked = BigInt(needed) === 0n ? 1n << 3n : BigInt(needed);
  if ((held & asked) !== asked) throw new Error(`${person.user.username} may not use /${command.name}`);
}

/** Checks what was typed as the client does before it sends. @throws an Error that says what is wrong */
export function checkInput(options: readonly APIApplicationCommandOption[], input: SlashOptions): void {
  const names = options.map(({ name }) => name);
  const stray = Object.keys(input).find((name) => !names.includes(name));
  if (stray !== undefined) throw new Error(`there is no option ${stray}; there are ${names.join(', ')}`);
  for (const option of options) {
    const value = input[option.name];
    const wrong = value === undefined ? option.required && 'is required' : mistakeIn(option, value);
    if (wrong) throw new Error(`option ${option.name} ${wrong}`);
  }
}

function mistakeIn(option: APIApplicationCommandOption, value: SlashOptions[string]): string | undefined {
  switch (option.type) {
    case OptionType.String: {
      if (typeof value !== 'string') return 'takes a text';
      const [min, max] = [option.min_length ?? 0, option.max_length ?? 6000];
      return value.length < min || value.length > max ? `takes ${min} to ${max} characters` : notAChoice(option, value);
    }
    case OptionType.Integer:
    case OptionType.Number: {
      if (typeof value !== 'number') return 'takes a number';
      if (option.type === OptionType.Integer && !Number.isSafeInteger(value)) return 'takes a whole number';
      const fits = value >= (option.min_value ?? -Infinity) && value <= (option.max_value ?? Infinity);
      return fits ? notAChoice(option, value) : 'is out of range';
    }
    case OptionType.Boolean:
      return typeof value === 'boolean' ? undefined : 'takes true or false';
    case OptionType.Attachment:
      return typeof value === 'object' ? undefined : 'takes a file';
    default:
      return typeof value === 'string' ? undefined : 'takes the name of a user, role or channel';
  }
}

function notAChoice(option: APIApplicationCommandOption, value: string | number): string | undefined {
  const choices = 'choices' in option ? (option.choices ?? []).map((choice) => choice.value) : [];
  return choices.length === 0 || choices.includes(value) ? undefined : `takes one of ${choices.join(', ')}`;
}
