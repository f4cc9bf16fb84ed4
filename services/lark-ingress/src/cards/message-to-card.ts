import type { ChatMessage, Tone } from '@moltbot/chat';
import type { Card, CardElement } from './card.ts';
import {
  buttonRow,
  codeBlocks,
  fieldGrid,
  linkRow,
  paragraphs,
  type Room,
  smallPrint,
  tableOf,
  text,
} from './card-parts.ts';
import { clipEnd } from './clip.ts';
import { oneLine } from './plain-code.ts';

const templates = {
  working: 'blue',
  success: 'green',
  failure: 'red',
  warning: 'orange',
  neutral: 'grey',
} as const satisfies Readonly<Record<Tone, string>>;

/** The platform takes 30 KB of JSON. */
const cardBytes = 29_500;
/** Kept for output when the rest is long. */
const codeBytes = 6_000;
/** Of single texts, in bytes of JSON. They shrink together when the card is too large. */
const roomy: Room = { text: 5_000, field: 400, cell: 150, label: 150, url: 1_000, footer: 600 };
const shrinking = [1, 0.5, 0.2, 0.05] as const;
const titleBytes = 600;
const summaryBytes = 200;

/**
 * A message as a card. Texts stand in components that know no markup; output stands in fenced blocks that it cannot leave: nothing in
 * it is a mention, a link or markdown. What is too long is cut, output at its beginning.
 */
export function messageToCard(message: ChatMessage): Card {
  const { code = [] } = message;
  const kept = code.length === 0 ? 0 : codeBytes;
  const rooms = shrinking.map((share) => roomBy(share));
  const fits = (room: Room): boolean => sizeOf(cardOf(message, room, [])) <= cardBytes - kept;
  const room = rooms.find(fits) ?? roomBy(0);
  const left = cardBytes - sizeOf(cardOf(message, room, []));
  return cardOf(message, room, codeBlocks(code, left));
}

const sizeOf = (card: Card): number => Buffer.byteLength(JSON.stringify(card));

const roomBy = (share: number): Room => {
  const of = (bytes: number): number => Math.max(10, Math.round(bytes * share));
  const { text, field, cell, label, url, footer } = roomy;
  // Half an address leads nowhere: links are left out instead.
  return {
    text: of(text),
    field: of(field),
    cell: of(cell),
    label: of(label),
    footer: of(footer),
    url: share < 0.2 ? 0 : url,
  };
};

function cardOf(message: ChatMessage, room: Room, code: readonly CardElement[]): Card {
  const { tone, title, fields = [], table, links = [], buttons = [], footer } = message;
  const shown = title === undefined ? '' : clipEnd(oneLine(title), titleBytes);
  const summary = clipEnd(shown === '' ? oneLine(message.text?.[0] ?? '') : shown, summaryBytes);
  return {
    schema: '2.0',
    config: { update_multi: true, streaming_mode: streams(message), ...paced, summary: { content: summary } },
    ...(shown === '' ? {} : { header: { title: text(shown), template: templates[tone] } }),
    body: {
      elements: [
        ...paragraphs(message.text ?? [], room),
        ...fieldGrid(fields, room),
        ...(table ? tableOf(table, room) : []),
        ...code,
        ...linkRow(links, room),
        ...buttonRow(buttons, room),
        ...(footer === undefined ? [] : [smallPrint(clipEnd(oneLine(footer), room.footer))]),
      ],
    },
  };
}

/** All at once what has come, and no slower than it comes. */
const paced = { streaming_config: { print_step: { default: 20 }, print_strategy: 'fast' } } as const;

/** Output that grows is typed. Not while a decision is asked for: a press could change nothing then. */
function streams({ tone, code = [], buttons = [] }: ChatMessage): boolean {
  return tone === 'working' && code.length > 0 && !buttons.some(({ id }) => id.startsWith('decide:'));
}
