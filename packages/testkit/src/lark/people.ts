import type { Callbacks, Reaction } from './callbacks.ts';
import { buttonsOf, findButton, optionsOf } from './card-controls.ts';
import type { Events } from './events.ts';
import type { Fields } from './fields.ts';
import { type Files, imageTypeOf } from './files.ts';
import type { Messages, Posting } from './messages.ts';
import { type App, bodyOf, type Chat, type Mention, type Person, type StoredMessage } from './model.ts';
import type { Locale } from './options.ts';
import type { World } from './world.ts';

export interface SentFile {
  readonly name: string;
  readonly data: string | Uint8Array;
}

export interface Saying {
  /** The bot of the chat, or the one of that app: `@_user_1` in front of the text, or where its `@name` stands in it. Default false. */
  readonly mentionBot?: boolean | string;
  /** Names of users, whose `@name` in the text becomes a mention; one that is not there stands in front. */
  readonly mentions?: readonly string[];
  /** A message of its own, which the text replies to: the platform knows no file with a text. */
  readonly file?: SentFile;
  /** Id of the message that is replied to. */
  readonly replyTo?: string;
  /** Replies in a thread. Default false. */
  readonly inThread?: boolean;
}

export type Placing = Pick<Saying, 'replyTo' | 'inThread'>;

/** What a human can do, in stored terms. Each throws an Error for what a client would not let through. */
export interface People {
  say(person: Person, chat: Chat, saying: Saying & { readonly text: string }): StoredMessage;
  /** Rich text: a title, and lines of pieces such as `{"tag":"text","text":"…"}`. */
  post(person: Person, chat: Chat, post: Fields): StoredMessage;
  send(person: Person, chat: Chat, file: SentFile & Placing): StoredMessage;
  recall(person: Person, messageId: string): void;
  read(person: Person, messageId: string): void;
  press(person: Person, messageId: string, button: PressedButton): Promise<Reaction>;
  choose(
    person: Person,
    messageId: string,
    choice: { readonly name: string; readonly option: string },
  ): Promise<Reaction>;
}

export interface PressedButton {
  readonly which: string | Fields;
  /** In which its label is read. */
  readonly locale: Locale;
  /** What is filled into the form, by name of the field. */
  readonly form?: Fields;
}

interface Deps {
  readonly world: World;
  readonly messages: Messages;
  readonly files: Files;
  readonly events: Events;
  readonly callbacks: Callbacks;
}

export function createPeople({ world, messages, files, events, callbacks }: Deps): People {
  const seen = (person: Person, messageId: string): StoredMessage => {
    const message = messages.get(messageId);
    const visible = message?.chat.people.has(person) && message.deletedAt === undefined;
    if (!message || !visible) throw new Error(`${person.name} sees no message ${messageId}`);
    return message;
  };
  const cardOf = (message: StoredMessage): Fields => {
    const body = bodyOf(message);
    if (body.type !== 'interactive') throw new Error(`message ${message.id} is no card`);
    return body.card;
  };
  const publish = (posting: Posting): StoredMessage => {
    const { author, chat } = posting;
    const isIn = author.kind === 'person' && chat.people.has(author);
    if (!isIn) throw new Error(`${author.name} is not in ${chat.name || chat.id}`);
    const message = messages.post(posting);
    events.said(message);
    return message;
  };
  const placed = (person: Person, { replyTo, inThread = false }: Placing) =>
    replyTo === undefined ? {} : { parent: seen(person, replyTo), inThread };
  const send = (person: Person, chat: Chat, { name, data, ...place }: SentFile & Placing): StoredMessage => {
    const bytes = Buffer.from(data);
    if (bytes.length === 0) throw new Error('a client sends no empty file');
    const image = imageTypeOf(bytes);
    const kind = image === undefined ? 'file' : 'image';
    const stored = files.put({ kind, name, type: image ?? 'application/octet-stream', data: bytes, owner: undefined });
    const body =
      image === undefined
        ? ({ type: 'file', fileKey: stored.key, fileName: name } as const)
        : ({ type: 'image', imageKey: stored.key } as const);
    return publish({ chat, author: person, body, ...placed(person, place) });
  };
  return {
    send,
    say(person, chat, { text, file, ...saying }) {
      const whole = file ? { ...saying, replyTo: send(person, chat, { ...file, ...saying }).id } : saying;
      const { written, mentions } = withMentions(text, chat, { saying, world });
      if (written === '') throw new Error('a message says something');
      const body = { type: 'text', text: written } as const;
      return publish({ chat, author: person, body, mentions, ...placed(person, whole) });
    },
    post: (person, chat, post) => publish({ chat, author: person, body: { type: 'post', post } }),
    recall(person, messageId) {
      const message = seen(person, messageId);
      if (message.author !== person) throw new Error(`message ${messageId} is not of ${person.name}`);
      messages.remove(message);
      events.recalled(message);
    },
    read: (person, messageId) => events.read(seen(person, messageId), person),
    async press(person, messageId, { which, locale, form }) {
      const message = seen(person, messageId);
      const button = findButton(buttonsOf(cardOf(message), locale), which);
      if (button.value === undefined && !button.submits)
        return { answered: true, toast: undefined, cardChanged: false };
      return callbacks.use(message, person, {
        tag: 'button',
        ...(button.value === undefined ? {} : { value: button.value }),
        ...(button.name === '' ? {} : { name: button.name }),
        ...(button.submits ? { form_value: form ?? {} } : {}),
      });
    },
    async choose(person, messageId, { name, option }) {
      const message = seen(person, messageId);
      const options = optionsOf(cardOf(message), name);
      if (!options.includes(option)) throw new Error(`menu ${name} has no ${option}; it has: ${options.join(', ')}`);
      return callbacks.use(message, person, { tag: 'select_static', name, option });
    },
  };
}

interface MentionDeps {
  readonly saying: Saying;
  readonly world: World;
}

function withMentions(text: string, chat: Chat, { saying, world }: MentionDeps) {
  const { mentionBot = false, mentions: names = [] } = saying;
  const bot = mentionBot === false ? [] : [botOf(chat, mentionBot)];
  const whoms: readonly (Person | App)[] = [...bot, ...names.map((name) => world.person(name))];
  const mentions: Mention[] = whoms.map((whom, index) => ({ key: `@_user_${index + 1}`, whom }));
  const written = mentions.reduceRight((sofar, { key, whom }) => {
    const shown = `@${whom.kind === 'app' ? whom.botName : whom.name}`;
    return sofar.includes(shown) ? sofar.replaceAll(shown, key) : `${key} ${sofar}`;
  }, text);
  return { written: written.trimEnd(), mentions };
}

function botOf(chat: Chat, which: true | string): App {
  const bots = [...chat.bots];
  const found = which === true ? bots[0] : bots.find(({ name, botName }) => [name, botName].includes(which));
  if (!found) throw new Error(`${chat.name || chat.id} has no bot${which === true ? '' : ` ${which}`}`);
  return found;
}
