import type { AnyAction } from '@moltbot/plugin-sdk';
import type { AliasConfig } from '@moltbot/shared';
import { aliasUsage, wordCountOf } from '../aliases.ts';
import type { Language } from '../texts/language.ts';
import { aliasForm } from './alias-to-command.ts';
import { type Parameter, parametersOf, type Shape } from './parameters.ts';
import { type UsageOption, verbOptions } from './verb-options.ts';
import { verbs, type Words } from './verbs.ts';
import { type Entry, entriesOf, toSlug, uniqueName, type Vocabulary, writtenOf } from './vocabulary.ts';

/** A command as it is offered: for help, and for platforms where commands are registered. */
export interface Usage {
  /** Valid as the name of a slash command, unique: `system-status`. */
  readonly verb: string;
  /** As it is written in a text: `system.status`. */
  readonly written: string;
  readonly kind: Entry['kind'];
  /** Name of the action that it makes a task of, if it makes one. */
  readonly action?: string | undefined;
  readonly summary: Words;
  /** The whole of it, in a text: `run on:TARGETS [timeout:30s] -- COMMAND`. */
  readonly form: string;
  /** Required ones first, at most 25. */
  readonly options: readonly UsageOption[];
}

/** Platforms take no more options of one command, and no more choices of one option. */
const maxOptions = 25;

/** All commands, in stable order: verbs, aliases, actions. */
export const usageOf = (vocabulary: Vocabulary): readonly Usage[] =>
  entriesOf(vocabulary).map((entry) => ({
    verb: entry.name,
    written: writtenOf(entry),
    kind: entry.kind,
    ...describe(entry),
  }));

/** A command in the words of one language, as help shows it: `verb` is as it is written, `name` as platforms have it. */
export interface LocalUsage {
  readonly verb: string;
  readonly name: string;
  readonly summary: string;
  readonly form: string;
  readonly options: readonly { readonly name: string; readonly summary: string; readonly required: boolean }[];
}

export const usageIn = (usages: readonly Usage[], language: Language): readonly LocalUsage[] =>
  usages.map(({ verb, written, summary, form, options }) => ({
    verb: written,
    name: verb,
    summary: summary[language],
    form,
    options: options.map((option) => ({
      name: option.name,
      summary: option.summary[language],
      required: option.required,
    })),
  }));

function describe(entry: Entry): Pick<Usage, 'action' | 'summary' | 'form' | 'options'> {
  switch (entry.kind) {
    case 'verb': {
      const { summary, form } = verbs[entry.verb];
      const { action, options } = verbOptions[entry.verb];
      return { ...(action !== undefined && { action }), summary, form, options };
    }
    case 'alias': {
      const { alias } = entry;
      const form = aliasForm(alias);
      return { action: alias.action, summary: same(alias.summary || form), form, options: aliasOptions(alias) };
    }
    case 'action': {
      const { action } = entry;
      return {
        action: action.name,
        summary: same(action.summary),
        form: actionForm(action),
        options: actionOptions(action),
      };
    }
  }
}

/** What plugins and the configuration say is in one language. */
const same = (text: string): Words => ({ en: text, 'zh-CN': text });

function actionForm(action: AnyAction): string {
  const args = parametersOf(action).list.map((parameter) => {
    const written = `${parameter.name}=${placeholderFor(parameter)}`;
    return parameter.required ? written : `[${written}]`;
  });
  return [action.name, 'on:TARGETS', ...args, '[timeout:30s]'].join(' ');
}

function placeholderFor({ types, choices }: Shape): string {
  if (choices && choices.length <= 5) return choices.map(String).join('|');
  const type = types.find((one) => one !== 'null') ?? 'string';
  return {
    string: 'TEXT',
    integer: 'NUMBER',
    number: 'NUMBER',
    boolean: 'true|false',
    array: 'A,B',
    object: '{…}',
    null: '',
  }[type];
}

/** An option, and the name of the argument that it stands for. */
export interface NamedParameter {
  readonly option: string;
  readonly parameter: Parameter;
}

/** The options of an action's arguments: their names as platforms take them, and none that another has. */
export function namedParameters(action: AnyAction): readonly NamedParameter[] {
  const taken = new Set(['on', 'timeout']);
  return parametersOf(action).list.map((parameter) => ({
    option: uniqueName(toSlug(parameter.name, 'value'), taken),
    parameter,
  }));
}

function actionOptions(action: AnyAction): readonly UsageOption[] {
  const options = namedParameters(action).map(
    ({ option, parameter }): UsageOption => ({
      name: option,
      summary: same(parameter.summary),
      required: parameter.required,
      ...typeOf(parameter),
    }),
  );
  const { on, timeout } = verbOptions.common;
  const required = options.filter((option) => option.required);
  const others = options.filter((option) => !option.required);
  return [...[on, ...required, ...others].slice(0, maxOptions - 1), timeout];
}

function typeOf({ types, choices = [] }: Shape): Pick<UsageOption, 'type' | 'choices'> {
  const [type, second] = types.filter((one) => one !== 'null');
  const isPlain = second === undefined && (type === 'integer' || type === 'number' || type === 'boolean');
  const isNumeric = type === 'integer' || type === 'number';
  if (choices.length === 0 || choices.length > maxOptions || type === 'boolean')
    return { type: isPlain ? type : 'string' };
  const offered = choices.map((choice) => ({
    label: String(choice),
    value: isPlain && isNumeric && typeof choice === 'number' ? choice : String(choice),
  }));
  return {
    type: offered.every(({ value }) => typeof value === 'number') && isPlain ? type : 'string',
    choices: offered,
  };
}

/** The options of an alias's words, in their order: named as its usage names them. */
export function aliasWords(alias: AliasConfig): readonly { readonly name: string; readonly isRest: boolean }[] {
  const { numbered, rest } = wordCountOf(alias);
  const count = numbered + (rest ? 1 : 0);
  const named = aliasUsage(alias)
    .split(/\s+/)
    .filter((word) => word !== '');
  const taken = new Set(['on', 'timeout']);
  return Array.from({ length: count }, (_, index) => {
    const isRest = rest && index === numbered;
    const plain = isRest ? 'words' : `word${index + 1}`;
    return { name: uniqueName(named.length === count ? toSlug(named[index] ?? '', plain) : plain, taken), isRest };
  });
}

function aliasOptions(alias: AliasConfig): readonly UsageOption[] {
  const { on, timeout } = verbOptions.common;
  const words = aliasWords(alias).map(
    ({ name, isRest }): UsageOption => ({
      name,
      summary: same(`${alias.name} ${aliasUsage(alias)}`),
      type: 'string',
      required: !isRest,
    }),
  );
  const required = words.filter((word) => word.required);
  const others = words.filter((word) => !word.required);
  const all = [...(alias.on === undefined ? [on] : []), ...required, ...others];
  return [...all.slice(0, maxOptions - 1), timeout];
}
