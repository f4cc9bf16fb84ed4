import { ApplicationCommandType, ApplicationCommandOptionType as OptionType } from 'discord-api-types/v10';
import { createForm, type Fields, type Form, isFields, lengthOf, type Path } from './form.ts';

/** `{1,32}` of letters, digits and marks, in lower case where there is one. https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming */
const slashName = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
/** https://discord.com/developers/docs/reference#locales */
const locales = new Set(
  'id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja zh-TW ko'.split(
    ' ',
  ),
);
const limits = {
  [ApplicationCommandType.ChatInput]: 100,
  [ApplicationCommandType.User]: 15,
  [ApplicationCommandType.Message]: 15,
};

/** Checks a scope's whole set of commands as it would be after the request. @throws ApiError 50035 */
export function checkCommands(commands: readonly Fields[], pathOf: (index: number) => Path): void {
  const form = createForm();
  const names = new Set<string>();
  for (const [index, command] of commands.entries()) {
    const path = pathOf(index);
    checkCommand(form, path, command);
    const key = `${command['type'] ?? 1} ${command['name']}`;
    if (names.has(key))
      form.add(path, 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique');
    names.add(key);
  }
  form.done();
}

/** @returns whether one of the types has more than an application may have in a scope */
export const exceedsCommandCount = (types: readonly number[]): boolean =>
  Object.entries(limits).some(([type, limit]) => types.filter((each) => String(each) === type).length > limit);

function checkCommand(form: Form, path: Path, command: Fields): void {
  const type = command['type'] ?? ApplicationCommandType.ChatInput;
  if (!form.oneOf([...path, 'type'], type, [1, 2, 3])) return;
  if (type !== ApplicationCommandType.ChatInput) {
    form.text([...path, 'name'], command['name'], { min: 1, max: 32 });
    if (command['description']) {
      form.add(
        [...path, 'description'],
        'APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED',
        'Context menu commands cannot have description',
      );
    }
    return;
  }
  checkNaming(form, path, command);
  checkOptions(form, [...path, 'options'], command['options'], 0);
  if (sizeOf(command) > 8000) {
    form.add(path, 'APPLICATION_COMMAND_TOO_LARGE', 'Command exceeds maximum size (8000)');
  }
}

function checkNaming(form: Form, path: Path, named: Fields): void {
  checkName(form, [...path, 'name'], named['name']);
  form.text([...path, 'description'], named['description'], { min: 1, max: 100 });
  for (const [locale, name] of localizations(form, [...path, 'name_localizations'], named['name_localizations'])) {
    checkName(form, [...path, 'name_localizations', locale], name);
  }
  const descriptions = localizations(form, [...path, 'description_localizations'], named['description_localizations']);
  for (const [locale, text] of descriptions) {
    form.text([...path, 'description_localizations', locale], text, { min: 1, max: 100 });
  }
}

function checkName(form: Form, path: Path, name: unknown): void {
  form.text(path, name, { min: 1, max: 32 });
  if (typeof name !== 'string' || name.length === 0 || lengthOf(name) > 32) return;
  if (slashName.test(name) && name === name.toLowerCase()) return;
  form.add(path, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
}

function localizations(form: Form, path: Path, value: unknown): readonly (readonly [string, unknown])[] {
  if (!isFields(value)) return [];
  for (const locale of Object.keys(value).filter((name) => !locales.has(name))) {
    form.add([...path, locale], 'BASE_TYPE_CHOICES', `Value must be one of {${[...locales].join(', ')}}.`);
  }
  return Object.entries(value).filter(([, text]) => text !== null);
}

function checkOptions(form: Form, path: Path, value: unknown, depth: number): void {
  const options = form.list(path, value, 25);
  const names = new Set<unknown>();
  let optionalSeen = false;
  for (const [index, option] of options.entries()) {
    const at = [...path, index];
    checkNaming(form, at, option);
    if (names.has(option['name'])) {
      form.add([...at, 'name'], 'APPLICATION_COMMAND_OPTIONS_NAME_INVALID', 'Option names must be unique');
    }
    names.add(option['name']);
    if (option['required'] && optionalSeen) {
      const message = 'Required options must be placed before non-required options';
      form.add(at, 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', message);
    }
    optionalSeen ||= !option['required'];
    checkOption(form, at, option, depth);
  }
  const nested = options.filter(({ type }) => isNesting(type));
  if (nested.length > 0 && nested.length < options.length) {
    form.add(
      path,
      'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
      'Sub-command and sub-command group option types are mutually exclusive to all other types',
    );
  }
}

const isNesting = (type: unknown): boolean => type === OptionType.Subcommand || type === OptionType.SubcommandGroup;

function checkOption(form: Form, path: Path, option: Fields, depth: number): void {
  const type = option['type'];
  const allowed = [[1, 2], [1], []][depth] ?? [];
  if (!form.oneOf([...path, 'type'], type, [...allowed, 3, 4, 5, 6, 7, 8, 9, 10, 11])) return;
  if (isNesting(type)) {
    checkOptions(form, [...path, 'options'], option['options'], type === OptionType.SubcommandGroup ? 1 : 2);
    return;
  }
  const choices = form.list([...path, 'choices'], option['choices'], 25);
  if (choices.length > 0 && option['autocomplete']) {
    form.add(
      path,
      'APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE',
      'Choices and autocomplete are mutually exclusive',
    );
  }
  for (const [index, choice] of choices.entries()) {
    form.text([...path, 'choices', index, 'name'], choice['name'], { min: 1, max: 100 });
    if (type === OptionType.String)
      form.text([...path, 'choices', index, 'value'], choice['value'], { min: 1, max: 100 });
  }
}

/** Name, description and value properties of it all, with the longest translation of each. */
function sizeOf(named: Fields): number {
  const longest = (key: string): number => {
    const translated = isFields(named[`${key}_localizations`])
      ? Object.values(named[`${key}_localizations`] as Fields)
      : [];
    return Math.max(0, ...[named[key], ...translated].map((text) => (typeof text === 'string' ? lengthOf(text) : 0)));
  };
  const value = typeof named['value'] === 'string' ? lengthOf(named['value']) : 0;
  const nested = ['options', 'choices'].flatMap((key): Fields[] => {
    const list = named[key];
    return Array.isArray(list) ? list.filter(isFields) : [];
  });
  return longest('name') + longest('description') + value + nested.reduce((sum, each) => sum + sizeOf(each), 0);
}
