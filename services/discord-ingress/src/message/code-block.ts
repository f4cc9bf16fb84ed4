import { ansiOf, hasAnsi } from './ansi.ts';
import { invisible } from './escape.ts';

/** Characters of the fences around a block, at most. */
export const fenceLength: number = '```ansi\n\n```'.length;

/**
 * A block in a fixed-width font of at most `max` characters with its fences. What is too much is left out at the beginning, by whole
 * lines where that can be; a fence in the text does not end it. Empty when there is nothing to show or no room.
 */
export function codeBlock(text: string, max: number): string {
  const body = tailOf(unfenced(ansiOf(text)).trimEnd(), max - fenceLength);
  if (body.trim() === '') return '';
  return `\`\`\`${hasAnsi(body) ? 'ansi' : ''}\n${body}\n\`\`\``;
}

/** How many characters a block of the whole text has. */
export const codeLength = (text: string): number => unfenced(ansiOf(text)).length + fenceLength;

const unfenced = (text: string): string => text.replace(/``(?=`)/g, `\`${invisible}\`${invisible}`);

function tailOf(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max < 2) return '';
  const kept = text.slice(text.length - (max - 2)).toWellFormed();
  const lineEnd = kept.indexOf('\n');
  // A last line longer than the room is cut within; an escape that was cut through goes with what was before it.
  const tail =
    lineEnd >= 0 && lineEnd < kept.length - 1 ? kept.slice(lineEnd + 1) : kept.replace(/^[0-9;[]{0,12}m/, '');
  return `…\n${tail}`;
}
