import type { ChatCode, ChatMessage } from '@moltbot/chat';
import { codeBlock, codeLength, fenceLength } from './code-block.ts';
import { escaped, oneLine } from './escape.ts';
import { tableBlock } from './table-block.ts';

/** Characters of output that are shown whatever else there is. */
export const codeShare = 1_600;
const tableShare = 900;
const linkShare = 400;

/** Blocks of code bring their own margins. */
const gap = '\n';

/**
 * The body of a message in at most `max` characters: what it says, its table, its code, its links. When it is too much, texts give way
 * first, then tables, then code.
 */
export function descriptionOf({ text = [], table, code = [], links = [] }: ChatMessage, max: number): string {
  const room = new Room(max);
  const wanted = code.reduce((sum, each) => sum + wantedOf(each), 0);
  const linkLine = room.take(linksOf(links, Math.min(linkShare, room.left)));
  // What is less than its share leaves the rest to the others.
  const codeRoom = Math.min(wanted, Math.max(codeShare, room.left - tableShare - escapedLength(text)));
  const codeBlocks = room.take(codeOf(code, Math.min(codeRoom, room.left)));
  const tableText = room.take(table ? tableBlock(table, Math.min(room.left, 1_800)) : '');
  const paragraphs = escaped(text.join(gap), Math.max(0, room.left));
  return [paragraphs, tableText, codeBlocks, linkLine].filter((part) => part !== '').join(gap);
}

/** Counts what is left, with the gaps between. */
class Room {
  left: number;

  constructor(max: number) {
    this.left = max;
  }

  take(part: string): string {
    if (part !== '') this.left -= part.length + gap.length;
    return part;
  }
}

const escapedLength = (text: readonly string[]): number => escaped(text.join(gap), 4_096).length + gap.length;

const labelOf = (label: string | undefined): string => {
  const shown = escaped(oneLine(label ?? ''), 100);
  return shown === '' ? '' : `**${shown}**\n`;
};

const wantedOf = ({ label, text }: ChatCode): number => labelOf(label).length + codeLength(text) + gap.length;

/** Each block gets what it wants while there is enough, else an equal part. */
function codeOf(blocks: readonly ChatCode[], max: number): string {
  let left = max;
  const shown: string[] = [];
  for (const [index, block] of blocks.entries()) {
    const others = blocks.slice(index + 1).reduce((sum, other) => sum + wantedOf(other), 0);
    const share = Math.max(Math.floor(left / (blocks.length - index)), left - others);
    const label = labelOf(block.label);
    const body = codeBlock(block.text, Math.min(share, wantedOf(block)) - label.length - gap.length);
    if (body === '' || share < fenceLength) continue;
    shown.push(label + body);
    left -= label.length + body.length + gap.length;
  }
  return shown.join(gap);
}

function linksOf(links: NonNullable<ChatMessage['links']>, max: number): string {
  const shown: string[] = [];
  let left = max;
  for (const { title, url } of links) {
    const address = addressOf(url);
    const link = address && `[${escaped(oneLine(title), 80) || 'link'}](${address})`;
    if (!link || link.length + 3 > left) continue;
    shown.push(link);
    left -= link.length + 3;
  }
  return shown.join(' · ');
}

/** None for what is no web address: a link never runs anything. */
function addressOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return undefined;
  return parsed.href.replace(
    /[()<>[\]\s*_~`|\\]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
