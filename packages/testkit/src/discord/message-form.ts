import { MessageFlags } from 'discord-api-types/v10';
import { refusal } from './api-error.ts';
import { checkComponents } from './component-form.ts';
import { createForm, type Fields, type Form, isFields, lengthOf } from './form.ts';

/** What may be asked of a message, checked against the documented limits. https://discord.com/developers/docs/resources/message#create-message */
export interface MessageCheck {
  readonly body: Fields;
  readonly files: number;
  /** Flags the route takes. */
  readonly flags: number;
  /** False for an edit, which may leave everything as it is. */
  readonly mustSayAnything: boolean;
  /** Where the message stands in the body: `data` of an interaction's callback. */
  readonly at?: readonly string[];
}

export const messageFlags: number =
  MessageFlags.SuppressEmbeds | MessageFlags.SuppressNotifications | MessageFlags.IsComponentsV2;

/** @throws ApiError 50035 with the tree of all that is wrong, or 50006 for a message that says nothing */
export function checkMessage({ body, files, flags, mustSayAnything, at = [] }: MessageCheck): void {
  const form = createForm();
  form.text([...at, 'content'], trimmed(body['content']), { max: 2000 });
  checkEmbeds(form, [...at, 'embeds'], body['embeds']);
  const v2 = (Number(body['flags'] ?? 0) & MessageFlags.IsComponentsV2) !== 0;
  checkComponents(form, [...at, 'components'], body['components'], v2);
  checkAllowedMentions(form, [...at, 'allowed_mentions'], body['allowed_mentions']);
  checkNonce(form, [...at, 'nonce'], body['nonce']);
  if (Number(body['flags'] ?? 0) & ~flags) {
    form.add([...at, 'flags'], 'BASE_TYPE_CHOICES', 'One or more flags cannot be set.');
  }
  if (v2) {
    for (const field of ['content', 'embeds'].filter((name) => isSaying(body[name]))) {
      const message = `The '${field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`;
      form.add([...at, field], 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2', message);
    }
  }
  if (files > 10) form.add([...at, 'attachments'], 'BASE_TYPE_MAX_LENGTH', 'Must be 10 or fewer in length.');
  form.done();
  const says = [trimmed(body['content']), body['embeds'], body['components']].some(isSaying) || files > 0;
  if (mustSayAnything && !says) throw refusal('emptyMessage');
}

/** Discord trims what it stores. */
export const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value);

const isSaying = (value: unknown): boolean => (typeof value === 'string' || Array.isArray(value)) && value.length > 0;

const embedTexts: readonly (readonly [path: readonly string[], max: number])[] = [
  [['title'], 256],
  [['description'], 4096],
  [['footer', 'text'], 2048],
  [['author', 'name'], 256],
];

/** https://discord.com/developers/docs/resources/message#embed-object-embed-limits */
function checkEmbeds(form: Form, path: readonly string[], value: unknown): void {
  let total = 0;
  for (const [index, embed] of form.list(path, value, 10).entries()) {
    for (const [steps, max] of embedTexts) {
      const text = trimmed(steps.reduce<unknown>((node, step) => (isFields(node) ? node[step] : undefined), embed));
      form.text([...path, index, ...steps], text, { max });
      total += typeof text === 'string' ? lengthOf(text) : 0;
    }
    total += checkFields(form, [...path, index, 'fields'], embed['fields']);
    const color = embed['color'];
    if (typeof color === 'number' && (color < 0 || color > 0xffffff)) {
      form.add([...path, index, 'color'], 'NUMBER_TYPE_MAX', 'int value should be less than or equal to 16777215.');
    }
  }
  if (total > 6000) form.add(path, 'MAX_EMBED_SIZE_EXCEEDED', 'Embed size exceeds maximum size of 6000');
}

/** @returns the characters in all of them */
function checkFields(form: Form, path: readonly (string | number)[], value: unknown): number {
  let total = 0;
  for (const [index, field] of form.list(path, value, 25).entries()) {
    for (const [key, max] of [
      ['name', 256],
      ['value', 1024],
    ] as const) {
      const text = trimmed(field[key]);
      form.text([...path, index, key], text === '' ? undefined : text, { min: 1, max });
      total += typeof text === 'string' ? lengthOf(text) : 0;
    }
  }
  return total;
}

/** https://discord.com/developers/docs/resources/message#allowed-mentions-object */
function checkAllowedMentions(form: Form, path: readonly string[], value: unknown): void {
  if (!isFields(value)) return;
  const parse = Array.isArray(value['parse']) ? value['parse'] : [];
  for (const [index, kind] of parse.entries())
    form.oneOf([...path, 'parse', index], kind, ['users', 'roles', 'everyone']);
  for (const kind of ['users', 'roles']) {
    const ids = Array.isArray(value[kind]) ? value[kind] : [];
    if (ids.length > 100) form.add([...path, kind], 'BASE_TYPE_MAX_LENGTH', 'Must be 100 or fewer in length.');
    if (ids.length > 0 && parse.includes(kind)) {
      const message = `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`;
      form.add(path, 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE', message);
    }
  }
}

function checkNonce(form: Form, path: readonly string[], value: unknown): void {
  if (typeof value !== 'number') form.text(path, value, { max: 25 });
}
