import { checkComponent, componentTags } from './card-components.ts';
import { CardFault } from './card-fault.ts';
import { elementsOf, markdownIn, namedUsers, taggedIn } from './card-walk.ts';
import { type Fields, fieldsAt, isFields, textOf } from './fields.ts';

/** What a card may name. */
export interface CardSurroundings {
  /** Whether an id is that of a user whom the app knows. */
  knowsUser(id: string): boolean;
  knowsImage(key: string): boolean;
}

const maxElements = 200;
const maxTables = 5;
/** The line below the head of a table. */
const tableRule = /^[ \t]*\|?([ \t]*:?-+:?[ \t]*\|)+[ \t]*(:?-+:?[ \t]*)?$/gm;
const templates = [
  ...['blue', 'wathet', 'turquoise', 'green', 'yellow', 'orange', 'red', 'carmine', 'violet', 'purple', 'indigo'],
  ...['grey', 'default'],
];
/** What version 1.0 had, and 2.0 has not. */
const gone = ['action', 'note'];

/**
 * Holds a card against https://open.feishu.cn/document/feishu-cards/card-json-v2-structure; version 2.0 alone, though the
 * platform takes 1.0 too. @throws CardFault for the first thing that is wrong
 */
export function checkCard(card: Fields, surroundings: CardSurroundings): void {
  if (card['schema'] !== '2.0') throw new CardFault(300303, 'Only schema 2.0 is supported');
  if (fieldsAt(card, 'config')['update_multi'] === false) throw new CardFault(300302, 'update_multi property is false');
  checkHeader(card);
  if (!isFields(card['body']) || !Array.isArray(card['body']['elements'])) {
    throw new CardFault(200621, 'parse card json err', { path: 'ROOT -> body', value: 'elements is required' });
  }
  for (const { element, tag, path } of elementsOf(card)) {
    if (gone.includes(tag)) {
      const message = 'cards of schema V2 no longer support this capability';
      throw new CardFault(200861, message, { path, value: `unsupported tag ${tag}` });
    }
    if (!componentTags.has(tag)) {
      throw new CardFault(200621, 'parse card json err', { path, value: `unknown tag ${JSON.stringify(tag)}` });
    }
    checkComponent(element, path);
  }
  checkIds(card);
  checkNumbers(card);
  checkNames(card, surroundings);
}

function checkHeader(card: Fields): void {
  if (card['header'] === undefined) return;
  const header = fieldsAt(card, 'header');
  const title = fieldsAt(header, 'title');
  if (!['plain_text', 'lark_md'].includes(textOf(title['tag'])) || typeof title['content'] !== 'string') {
    throw new CardFault(11310, "header's title is required", { path: 'ROOT -> header' });
  }
  const { template } = header;
  if (template !== undefined && !templates.includes(textOf(template))) {
    throw new CardFault(11310, 'header template is invalid', { path: 'ROOT -> header', value: String(template) });
  }
}

function checkIds(card: Fields): void {
  const seen = new Set<unknown>();
  for (const { element_id: id } of taggedIn(card)) {
    if (id === undefined) continue;
    if (typeof id !== 'string' || !/^[A-Za-z]\w{0,19}$/.test(id)) {
      const rule =
        'Only alphabets, numbers, and underscores are allowed. It must start with an alphabet and not exceed 20 characters.';
      throw new CardFault(300301, `ElementID ${String(id)}: Code 1002: elementID format error. ${rule}`);
    }
    if (seen.has(id)) throw new CardFault(300301, 'Duplicate element_id in card component.', { value: id });
    seen.add(id);
  }
}

/** Tables count wherever they stand, those of the markdown too. */
function checkNumbers(card: Fields): void {
  const elements = taggedIn(card);
  if (elements.length > maxElements)
    throw new CardFault(300305, `The number of card components exceeds ${maxElements}`);
  const drawn = markdownIn(card).flatMap((text) => [...text.replace(/```[\s\S]*?```/g, '').matchAll(tableRule)]);
  const tables = elements.filter(({ tag }) => tag === 'table').length + drawn.length;
  if (tables > maxTables) throw new CardFault(11310, 'card table number over limit', { value: String(tables) });
}

function checkNames(card: Fields, { knowsUser, knowsImage }: CardSurroundings): void {
  const users = markdownIn(card).flatMap(namedUsers);
  const stranger = users.find(({ id }) => id !== 'all' && !knowsUser(id));
  if (stranger) {
    throw new CardFault(100290, 'There is an invalid user resource(at/person) in your card', { value: stranger.id });
  }
  const keys = taggedIn(card).flatMap(({ img_key: key }) => (typeof key === 'string' ? [key] : []));
  const missing = keys.find((key) => !knowsImage(key));
  if (missing !== undefined) throw new CardFault(200570, 'card contains invalid image keys', { value: missing });
}
