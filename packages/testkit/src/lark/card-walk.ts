import { type Fields, fieldsAt, isFields, listOf, textOf } from './fields.ts';

/** A component of a card, and where it stands. */
export interface PlacedElement {
  readonly element: Fields;
  readonly tag: string;
  /** `ROOT -> body -> elements -> [1](tag: button)` */
  readonly path: string;
}

/** What a component holds, under the name that the JSON has for it. */
const childrenNames: Readonly<Record<string, string>> = {
  column_set: 'columns',
  column: 'elements',
  form: 'elements',
  interactive_container: 'elements',
  collapsible_panel: 'elements',
};

/** The components directly inside of one. */
export function childrenOf(element: Fields): readonly Fields[] {
  const name = childrenNames[textOf(element['tag'])];
  return name === undefined ? [] : listOf(element[name]);
}

/** All components of a card's body, those inside of others too, in the order they are shown. */
export function elementsOf(card: Fields): readonly PlacedElement[] {
  const inside = (parent: Fields, name: string, path: string): readonly PlacedElement[] =>
    listOf(parent[name]).flatMap((element, index) => {
      const tag = textOf(element['tag']);
      const own = `${path} -> ${name} -> [${index}](tag: ${tag})`;
      const below = childrenNames[tag];
      return [{ element, tag, path: own }, ...(below === undefined ? [] : inside(element, below, own))];
    });
  return inside(fieldsAt(card, 'body'), 'elements', 'ROOT -> body');
}

/** Everything with a tag, down to the texts, as the platform counts elements. */
export function taggedIn(value: unknown): readonly Fields[] {
  if (Array.isArray(value)) return value.flatMap(taggedIn);
  if (!isFields(value)) return [];
  const below = Object.values(value).flatMap(taggedIn);
  return typeof value['tag'] === 'string' ? [value, ...below] : below;
}

/** A copy of the card in which a component or text of that id is replaced: by one, by several, or by nothing. @returns undefined if there is none of that id */
export function withElement(
  card: Fields,
  elementId: string,
  change: (element: Fields) => readonly Fields[],
): Fields | undefined {
  let found = false;
  const copy = (value: unknown): readonly unknown[] => {
    if (Array.isArray(value)) return [value.flatMap(copy)];
    if (!isFields(value)) return [value];
    if (value['element_id'] === elementId) {
      found = true;
      return change(value);
    }
    return [Object.fromEntries(Object.entries(value).flatMap(([key, each]) => copy(each).map((one) => [key, one])))];
  };
  const [changed] = copy(card);
  return found && isFields(changed) ? changed : undefined;
}

/** Every text in which the card's markdown is understood. */
export const markdownIn = (card: Fields): readonly string[] =>
  taggedIn(card).flatMap((element) =>
    ['markdown', 'lark_md'].includes(textOf(element['tag'])) ? [textOf(element['content'])] : [],
  );

export interface NamedUser {
  /** `all`, an open id, a user id, or an address. */
  readonly id: string;
  /** The whole of it, as it stands in the text. */
  readonly whole: string;
}

/** `<at id=ou_…></at>`, `<at ids=a,b></at>`, `<at email=…></at>`, with quotes or without; `user_id` in texts. */
export function namedUsers(text: string): readonly NamedUser[] {
  const tags = text.matchAll(/<at\s+(?:user_id|id|ids|email)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*))\s*>[^<]*<\/at>/g);
  return [...tags].flatMap(([whole, double, single, bare]) =>
    (double ?? single ?? bare ?? '').split(',').map((id) => ({ id, whole })),
  );
}
