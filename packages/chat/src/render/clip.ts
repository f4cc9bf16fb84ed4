import { cleanOutput } from './clean-output.ts';

/** At most `length` UTF-16 units, the last one an ellipsis when something was cut off. Never cuts within a character. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  if (length < 1) return '';
  return `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** A text of somebody else with nothing in it that a terminal or a reader would be fooled by. Line breaks stay. */
export const plain = (text: string): string => cleanOutput(text.replace(/\r\n?/g, '\n'), { ansi: false });

/** The same in one line. */
export const oneLine = (text: string, length: number): string =>
  clip(
    plain(clip(text, 20_000))
      .replace(/[\s\u2028\u2029]+/g, ' ')
      .trim(),
    length,
  );
