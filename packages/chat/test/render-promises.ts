import { expect } from 'vitest';
import type { ChatMessage } from '../src/message.ts';
import { messageLimits as limits } from '../src/render/message-limits.ts';

const esc = '\u001b';
const sgr = new RegExp(`${esc}\\[(?:0|1|4|[34][0-7])(?:;(?:0|1|4|[34][0-7]))*m`, 'g');
const unfit = /(?!\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

const sum = (texts: readonly string[]): number => texts.reduce((total, { length }) => total + length, 0);

/** What `message.ts` and `messageLimits` say of every message. */
export function expectPromises(
  { title = '', text = [], fields = [], code = [], table, links = [], buttons = [], footer = '' }: ChatMessage,
  codeCharacters = 1_500,
): void {
  const cells = table ? [table.head, ...table.rows].flat() : [];
  const labels = [
    ...code.map(({ label = '' }) => label),
    ...links.map((link) => link.title),
    ...buttons.map(({ label }) => label),
  ];
  for (const line of [title, footer, ...cells, ...labels, ...fields.map(({ name }) => name)])
    expect(line).not.toMatch(/[\n\r]/);
  const plain = [title, footer, ...text, ...cells, ...labels, ...fields.flatMap(({ name, value }) => [name, value])];
  for (const each of [...plain, ...code.map(({ text }) => text.replaceAll(sgr, ''))]) {
    expect(each).not.toMatch(unfit);
    expect(each.isWellFormed()).toBe(true);
  }
  expect(title.length).toBeLessThanOrEqual(200);
  expect(sum(text)).toBeLessThanOrEqual(1_500);
  expect(sum(code.map(({ text }) => text))).toBeLessThanOrEqual(codeCharacters);
  expect(fields.length).toBeLessThanOrEqual(limits.fields);
  expect(sum(fields.map(({ value }) => value))).toBeLessThanOrEqual(limits.fieldValues);
  expect(table?.rows.length ?? 0).toBeLessThanOrEqual(12);
  for (const row of table?.rows ?? []) expect(row.length).toBe(table?.head.length);
  expect(table?.head.length ?? 0).toBeLessThanOrEqual(4);
  for (const cell of cells) expect(cell.length).toBeLessThanOrEqual(limits.cell);
  for (const { id, label } of buttons) {
    expect(id.length).toBeLessThanOrEqual(100);
    expect(label.length).toBeLessThanOrEqual(limits.buttonLabel);
  }
  expect(footer.length).toBeLessThanOrEqual(limits.footer);
}
