import { buttonsOf, type LarkButton } from './card-controls.ts';
import { cardText, elementText } from './card-text.ts';
import { elementsOf, markdownIn, namedUsers } from './card-walk.ts';
import { type Fields, listOf, textOf } from './fields.ts';
import type { Files } from './files.ts';
import { filesOf } from './messages.ts';
import { bodyOf, type MessageVersion, mentionsOf, type Ping, type StoredMessage } from './model.ts';
import { nameOf, oneLanguage } from './payloads.ts';
import type { World } from './world.ts';

/** A message as a test looks at it: a snapshot, which later edits do not change. */
export interface LarkMessage {
  readonly id: string;
  readonly chatId: string;
  /** `ops`; empty for a talk of two. */
  readonly chat: string;
  /** Name of the user, or of the bot. */
  readonly author: string;
  readonly byBot: boolean;
  readonly type: 'text' | 'post' | 'image' | 'file' | 'interactive';
  /** What an English client shows, mentions as `@Name`; a card is written out. */
  readonly text: string;
  /** The same in another language of the client. */
  textIn(locale: string): string;
  /** The JSON of a card. */
  readonly card: Fields | undefined;
  /** Its components, those inside of others too. */
  readonly elements: readonly LarkElement[];
  readonly buttons: readonly LarkButton[];
  /** Of the card entity that it shows. */
  readonly cardId: string | undefined;
  readonly file: LarkFile | undefined;
  readonly replyTo: string | undefined;
  readonly rootId: string | undefined;
  readonly threadId: string | undefined;
  readonly uuid: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The first is how it was sent, the last how it is now. */
  readonly versions: readonly LarkVersion[];
  readonly deleted: boolean;
}

export interface LarkVersion {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly text: string;
  readonly card: Fields | undefined;
}

export interface LarkElement {
  readonly tag: string;
  /** Its `element_id`; empty without one. */
  readonly id: string;
  readonly text: string;
}

export interface LarkFile {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  data(): Buffer;
  text(): string;
}

export function viewOf(message: StoredMessage, files: Files): LarkMessage {
  const { id, chat, author, cardId, root, parent, threadId, uuid, createdAt, deletedAt } = message;
  const body = bodyOf(message);
  const card = body.type === 'interactive' ? body.card : undefined;
  const versions = [...message.versions];
  const last: MessageVersion = { at: message.updatedAt, body, mentions: mentionsOf(message) };
  return {
    ...{ id, chatId: chat.id, chat: chat.name, type: body.type, card, cardId, threadId, uuid },
    author: author.kind === 'app' ? author.botName : author.name,
    byBot: author.kind === 'app',
    text: versionText(last, 'en_us'),
    textIn: (locale) => versionText(last, locale),
    elements: elementsOf(card ?? {}).map(({ tag, element }) => ({
      tag,
      id: textOf(element['element_id']),
      text: elementText(element, 'en_us'),
    })),
    buttons: buttonsOf(card ?? {}, 'en_us'),
    file: fileOf(message, files),
    replyTo: parent?.id,
    rootId: root?.id,
    at: createdAt,
    // Only when asked for: a card that was streamed into has hundreds.
    get versions() {
      return versions.map((version) => ({
        at: version.at,
        text: versionText(version, 'en_us'),
        card: version.body.type === 'interactive' ? version.body.card : undefined,
      }));
    },
    deleted: deletedAt !== undefined,
  };
}

function fileOf(message: StoredMessage, files: Files): LarkFile | undefined {
  const file = files.get(filesOf(message)[0] ?? '');
  if (!file) return undefined;
  const { key, name, data } = file;
  return { key, name, size: data.length, data: () => data, text: () => data.toString() };
}

/** What a client shows of it. */
export function versionText({ body, mentions }: MessageVersion, locale: string): string {
  switch (body.type) {
    case 'text': {
      const named = [...mentions].reverse().reduce((text, { key, whom }) => {
        return text.replaceAll(key, `@${nameOf(whom)}`);
      }, body.text);
      return named.replaceAll('@_all', '@All');
    }
    case 'post':
      return postText(oneLanguage(body.post, locale));
    case 'image':
      return '(image)';
    case 'file':
      return `(file ${body.fileName})`;
    case 'interactive':
      return cardText(body.card, locale);
  }
}

function postText(post: Fields): string {
  const lines = Array.isArray(post['content']) ? post['content'] : [];
  const written = lines.map((line) =>
    listOf(line)
      .map((piece) => {
        if (piece['tag'] === 'at') return `@${textOf(piece['user_name']) || textOf(piece['user_id'])}`;
        return textOf(piece['text']);
      })
      .join(''),
  );
  return [textOf(post['title']), ...written].filter((line) => line !== '').join('\n');
}

/** Whom a message notified when it was sent; an edit notifies nobody. */
export function pingsOf(message: StoredMessage, world: World): readonly Ping[] {
  const [first] = message.versions;
  if (!first) return [];
  const ids = idsIn(first);
  const { author } = message;
  const known = first.mentions.flatMap(({ whom }) => (whom.kind === 'person' ? [whom.name] : []));
  const named = ids.flatMap((id) => {
    if (id === 'all') return ['all'];
    const found =
      author.kind === 'app' ? world.people.find((person) => world.openId(author, person) === id) : undefined;
    return found ? [found.name] : [];
  });
  return [...new Set([...known, ...named])].map((name) => ({ messageId: message.id, name }));
}

/** The ids of those who are named in a card or a post, and `all`. */
function idsIn({ body }: MessageVersion): readonly string[] {
  if (body.type === 'interactive')
    return markdownIn(body.card)
      .flatMap(namedUsers)
      .map(({ id }) => id);
  if (body.type === 'text') return body.text.includes('@_all') ? ['all'] : [];
  if (body.type !== 'post') return [];
  return [...JSON.stringify(oneLanguage(body.post)).matchAll(/"user_id":"([^"]+)"/g)].map(([, id = '']) => id);
}
