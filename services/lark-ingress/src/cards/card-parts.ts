import type { ChatButton, ChatCode, ChatField, ChatMessage, ChatTable } from '@moltbot/chat';
import type { CardElement, PlainText } from './card.ts';
import { clipEnd, clipStart, jsonBytes } from './clip.ts';
import { fenced, oneLine, plain, plainCode } from './plain-code.ts';

/** How much each text may take, in bytes of JSON. */
export interface Room {
  /** All paragraphs together. */
  readonly text: number;
  readonly field: number;
  readonly cell: number;
  readonly label: number;
  /** A link with a longer address is left out. */
  readonly url: number;
  readonly footer: number;
}

/** The platform takes 200 elements, texts and columns among them. */
const most = { paragraphs: 15, fields: 12, codes: 6, links: 5, buttons: 8, rows: 12, columns: 4 } as const;
const fieldsPerRow = 3;
const rowsPerPage = 10;
const buttonTypes = { primary: 'primary', neutral: 'default', danger: 'danger' } as const;

export const text = (content: string, more: Partial<PlainText> = {}): PlainText => ({
  tag: 'plain_text',
  content,
  ...more,
});

const div = (content: PlainText): CardElement => ({ tag: 'div', text: content });

export const smallPrint = (content: string): CardElement =>
  div(text(content, { text_size: 'notation', text_color: 'grey' }));

export function paragraphs(texts: readonly string[], { text: bytes }: Room): readonly CardElement[] {
  let left = bytes;
  return texts.slice(0, most.paragraphs).flatMap((paragraph) => {
    const content = plain(paragraph).trim();
    if (content === '' || left <= 0) return [];
    const clipped = clipEnd(content, left);
    left -= jsonBytes(clipped);
    return [div(text(clipped))];
  });
}

/** Three beside each other: the name small, its value below. */
export function fieldGrid(fields: readonly ChatField[], { field: bytes, label }: Room): readonly CardElement[] {
  const columns = fields.slice(0, most.fields).map(({ name, value }) => ({
    ...{ tag: 'column', width: 'weighted', weight: 1 },
    elements: [smallPrint(clipEnd(oneLine(name), label)), div(text(clipEnd(plain(value), bytes)))],
  }));
  const rows: CardElement[] = [];
  for (let from = 0; from < columns.length; from += fieldsPerRow) {
    rows.push({ tag: 'column_set', flex_mode: 'bisect', columns: columns.slice(from, from + fieldsPerRow) });
  }
  return rows;
}

export function tableOf({ head, rows }: ChatTable, { cell: bytes }: Room): readonly CardElement[] {
  const names = head.slice(0, most.columns).map((_, index) => `c${index}`);
  if (names.length === 0) return [];
  const shown = (cell: string | undefined): string => clipEnd(oneLine(cell ?? ''), bytes);
  const columns = names.map((name, index) => ({
    ...{ name, display_name: shown(head[index]), data_type: 'text', width: 'auto' },
  }));
  const cells = rows
    .slice(0, most.rows)
    .map((row) => Object.fromEntries(names.map((name, index) => [name, shown(row[index])])));
  return [{ tag: 'table', page_size: Math.min(rowsPerPage, Math.max(1, cells.length)), columns, rows: cells }];
}

/** Each in a fenced block with an id of its own, in so many bytes together; of each the end. */
export function codeBlocks(codes: readonly ChatCode[], bytes: number): readonly CardElement[] {
  const shown = codes.slice(0, most.codes).map(({ label, text: code }) => ({
    label: label === undefined ? undefined : clipEnd(oneLine(label), 200),
    code: plainCode(code).replace(/\n+$/, ''),
  }));
  let left = bytes;
  return shown.flatMap(({ label, code }, index) => {
    const share =
      Math.floor(left / (shown.length - index)) - codeOverhead - (label === undefined ? 0 : labelOverhead(label));
    const kept = clipStart(code, Math.max(0, share));
    const block: CardElement = { tag: 'markdown', element_id: `code_${index}`, content: fenced(kept) };
    const elements = label === undefined ? [block] : [smallPrint(label), block];
    left -= Buffer.byteLength(JSON.stringify(elements));
    return elements;
  });
}

/** Of `{"tag":"markdown","element_id":"code_0","content":"```\n\n```"},` */
const codeOverhead = 80;
const labelOverhead = (label: string): number => Buffer.byteLength(JSON.stringify(smallPrint(label))) + 1;

/** Buttons that open an address: text cannot be taken for a link, nor a link for text. */
export function linkRow(links: NonNullable<ChatMessage['links']>, { label, url: bytes }: Room): readonly CardElement[] {
  const known = links.filter(({ url }) => /^https?:\/\//.test(url) && jsonBytes(url) <= bytes).slice(0, most.links);
  return row(
    known.map(({ title, url }) => ({
      ...{ tag: 'button', type: 'text', text: text(clipEnd(oneLine(title), label)) },
      behaviors: [{ type: 'open_url', default_url: url }],
    })),
  );
}

export function buttonRow(buttons: readonly ChatButton[], { label: bytes }: Room): readonly CardElement[] {
  return row(
    buttons.slice(0, most.buttons).map(({ id, label, style }) => ({
      ...{ tag: 'button', type: buttonTypes[style], text: text(clipEnd(oneLine(label), bytes)) },
      behaviors: [{ type: 'callback', value: { button: id } }],
    })),
  );
}

function row(elements: readonly CardElement[]): readonly CardElement[] {
  if (elements.length === 0) return [];
  const columns = elements.map((element) => ({ tag: 'column', width: 'auto', elements: [element] }));
  return [{ tag: 'column_set', flex_mode: 'flow', columns }];
}
