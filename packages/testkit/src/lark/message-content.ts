import { type KnownError, refusal } from './api-error.ts';
import { checkCard } from './card-check.ts';
import type { CardEntities, CardEntity } from './card-entities.ts';
import { CardFault } from './card-fault.ts';
import { namedUsers } from './card-walk.ts';
import { type Fields, fieldsAt, parsedFields, textOf } from './fields.ts';
import type { Files } from './files.ts';
import type { App, Mention, MessageBody, Person } from './model.ts';
import type { Settings } from './settings.ts';
import type { World } from './world.ts';

/** What a bot wants to say, understood. */
export interface Content {
  readonly body: MessageBody;
  readonly mentions: readonly Mention[];
  /** The card entity that it is to show. */
  readonly entity?: CardEntity;
}

export interface MessageContent {
  /** @throws ApiError */
  read(app: App, type: unknown, content: unknown): Content;
  /** A card by its JSON. @throws ApiError as the message API says it */
  readCard(app: App, content: unknown): Fields;
  /** @throws CardFault */
  checkCard(app: App, card: Fields): void;
}

interface Deps {
  readonly settings: Settings;
  readonly world: World;
  readonly files: Files;
  readonly entities: CardEntities;
}

/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/create_json */
export function createMessageContent({ settings, world, files, entities }: Deps): MessageContent {
  const person = (app: App, id: string): Person | undefined => {
    const found = ['open_id', 'union_id', 'user_id'].map((type) => world.whoIs(app, type, id));
    return found.find((each): each is Person => typeof each === 'object');
  };
  const check = (app: App, card: Fields): void =>
    checkCard(card, {
      knowsUser: (id) => person(app, id) !== undefined,
      knowsImage: (key) => files.get(key)?.kind === 'image',
    });
  const readCard = (app: App, content: unknown): Fields => {
    demandSize(content, settings.limits.cardBytes);
    const card = parsedFields(content);
    if (!card) throw new CardFault(200621, 'parse card json err').forMessage();
    return inMessage(() => {
      check(app, card);
      return card;
    });
  };
  const text = (app: App, content: unknown): Content => {
    demandSize(content, settings.limits.textBytes);
    const written = textOf(parsed(content)['text']);
    if (written === '') throw refusal('invalidMessage', 'text is empty.');
    return withPlaceholders(written, (id) => person(app, id));
  };
  const post = (content: unknown): Content => {
    demandSize(content, settings.limits.cardBytes);
    const whole = parsed(content);
    const languages = Object.values(whole).filter((each) => Array.isArray(fieldsAt({ each }, 'each')['content']));
    if (languages.length === 0) throw refusal('invalidMessage', 'invalid post content.');
    return { body: { type: 'post', post: whole }, mentions: [] };
  };
  const upload = (content: unknown, kind: 'file' | 'image'): Content => {
    const fields = parsed(content);
    const key = textOf(fields[`${kind}_key`]);
    const file = files.get(key) ?? fail('invalidMessage', `invalid ${kind}_key.`);
    if (file.kind !== kind) throw refusal('wrongFileType');
    const body: MessageBody =
      kind === 'image'
        ? { type: 'image', imageKey: key }
        : { type: 'file', fileKey: key, fileName: textOf(fields['file_name']) || file.name };
    return { body, mentions: [] };
  };
  const interactive = (app: App, content: unknown): Content => {
    const whole = parsedFields(content) ?? {};
    if (whole['type'] !== 'card') return { body: { type: 'interactive', card: readCard(app, content) }, mentions: [] };
    const entity = entities.find(app, textOf(fieldsAt(whole, 'data')['card_id']));
    // The pages say that it can be sent once; what the platform answers the second time they do not say.
    if (entity.message) throw refusal('badCard', 'the card entity has been sent already');
    return { body: { type: 'interactive', card: entity.card }, mentions: [], entity };
  };
  return {
    readCard,
    checkCard: check,
    read(app, type, content) {
      if (type === 'text') return text(app, content);
      if (type === 'post') return post(content);
      if (type === 'file' || type === 'image') return upload(content, type);
      if (type === 'interactive') return interactive(app, content);
      throw refusal('invalidMessage', `invalid msg_type ${JSON.stringify(type)}.`);
    },
  };
}

/** @throws ApiError 230099 for a CardFault */
function inMessage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof CardFault ? error.forMessage() : error;
  }
}

function demandSize(content: unknown, max: number): void {
  if (Buffer.byteLength(textOf(content)) > max) throw refusal('tooLong');
}

const parsed = (content: unknown): Fields =>
  parsedFields(content) ?? fail('invalidMessage', 'content is not a string in json format.');

function fail(name: KnownError, ext: string): never {
  throw refusal(name, ext);
}

/** `<at user_id="ou_…">Tom</at>` becomes `@_user_1`, and everyone `@_all`; who is not known stays as it was written. */
function withPlaceholders(text: string, personOf: (id: string) => Person | undefined): Content {
  const mentions: Mention[] = [];
  let written = text;
  for (const { id, whole } of namedUsers(text)) {
    const whom = personOf(id);
    const key = id === 'all' ? '@_all' : `@_user_${mentions.length + 1}`;
    if (whom) mentions.push({ key, whom });
    if (whom || id === 'all') written = written.replace(whole, key);
  }
  return { body: { type: 'text', text: written }, mentions };
}
