import type { ChatButton, ChatField, ChatMessage, ChatTable } from '../message.ts';
import { clip, oneLine, plain } from './clip.ts';
import { messageLimits as limits } from './message-limits.ts';

/** The message within what every message promises: whatever a host, a plugin or a person has put into it. Code is left as it is. */
export function fitMessage({
  tone,
  title,
  text,
  fields,
  code,
  table,
  links,
  buttons,
  footer,
}: ChatMessage): ChatMessage {
  return {
    tone,
    ...(title !== undefined && { title: oneLine(title, limits.title) }),
    ...(hasSome(text) && { text: fitText(text) }),
    ...(hasSome(fields) && { fields: fitFields(fields) }),
    ...(hasSome(code) && {
      code: code.map(({ label, text: shown }) => ({
        ...(label !== undefined && { label: oneLine(label, limits.codeLabel) }),
        text: shown,
      })),
    }),
    ...(table && { table: fitTable(table) }),
    ...(hasSome(links) && {
      links: links.slice(0, limits.links).map((link) => ({ ...link, title: oneLine(link.title, limits.linkTitle) })),
    }),
    ...(hasSome(buttons) && { buttons: fitButtons(buttons) }),
    ...(footer !== undefined && { footer: oneLine(footer, limits.footer) }),
  };
}

const hasSome = <T>(list: readonly T[] | undefined): list is readonly T[] => list !== undefined && list.length > 0;

/** The first paragraphs are the ones that matter most. */
function fitText(paragraphs: readonly string[]): readonly string[] {
  let room: number = limits.text;
  const fitted: string[] = [];
  for (const paragraph of paragraphs) {
    const shown = clip(plain(paragraph).trim(), room);
    if (shown === '') continue;
    fitted.push(shown);
    room -= shown.length;
  }
  return fitted;
}

function fitFields(fields: readonly ChatField[]): readonly ChatField[] {
  let room: number = limits.fieldValues;
  return fields.slice(0, limits.fields).map(({ name, value }) => {
    const shown = clip(plain(value).trim(), Math.min(room, limits.fieldValue));
    room -= shown.length;
    return { name: oneLine(name, limits.fieldName), value: shown };
  });
}

function fitTable({ head, rows }: ChatTable): ChatTable {
  const fitRow = (row: readonly string[]): readonly string[] =>
    row.slice(0, limits.columns).map((cell) => oneLine(cell, limits.cell));
  return { head: fitRow(head), rows: rows.slice(0, limits.rows).map(fitRow) };
}

/** A button whose id is too long would not come back: it is a mistake of ours that must not be shown. */
const fitButtons = (buttons: readonly ChatButton[]): readonly ChatButton[] =>
  buttons
    .filter(({ id }) => id.length <= limits.buttonId)
    .slice(0, limits.buttons)
    .map((button) => ({ ...button, label: oneLine(button.label, limits.buttonLabel) }));
