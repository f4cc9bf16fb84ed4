import type { ChatMessage } from '../message.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { fitMessage } from './fit-message.ts';
import { linesToCode } from './lines-to-code.ts';

/** How a command is written, in the language of who asks. */
export interface Usage {
  readonly verb: string;
  readonly summary: string;
  /** The whole of it: `run on:TARGETS [timeout:30s] -- COMMAND`. */
  readonly form?: string | undefined;
  readonly options: readonly {
    readonly name: string;
    readonly summary: string;
    readonly required?: boolean | undefined;
  }[];
}

/** All that the asker may do. */
export function helpToMessage(usages: readonly Usage[], language: Language): ChatMessage {
  const t = texts(language);
  const { code, more } = linesToCode(usages.map(({ verb, summary, form }) => [form ?? verb, summary]));
  return fitMessage({
    tone: 'neutral',
    title: t.help.title,
    text: [t.help.intro, t.help.more, ...(more > 0 ? [t.lists.more(more)] : [])],
    code,
  });
}

/** One of them, with its options. */
export function topicToMessage({ verb, summary, form, options }: Usage, language: Language): ChatMessage {
  const t = texts(language);
  const { code, more } = linesToCode(
    options.map((option) => [option.required === true ? `${option.name} *` : option.name, option.summary]),
  );
  const isAnyRequired = options.some(({ required }) => required === true);
  return fitMessage({
    tone: 'neutral',
    title: t.help.topic(verb),
    text: [summary, ...(isAnyRequired ? [t.help.required] : []), ...(more > 0 ? [t.lists.more(more)] : [])],
    code: [
      ...(form === undefined ? [] : linesToCode([[form, '']]).code),
      ...code.map((each) => ({ ...each, label: t.help.options })),
    ],
  });
}

export function unknownTopicToMessage(topic: string, language: Language): ChatMessage {
  const t = texts(language);
  return fitMessage({ tone: 'warning', title: t.help.unknownTopic(topic), text: [t.help.more] });
}
