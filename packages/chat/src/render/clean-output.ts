import { type Pen, penAfter, penChange, plainPen } from './pen.ts';
import { createTerminalLine, type TerminalLine } from './terminal-line.ts';

export interface CleanOptions {
  /** Colours stay, as escape sequences of the set 0, 1, 4, 30–37, 40–47; else no escape sequence does. */
  readonly ansi: boolean;
  /** The text begins somewhere in an output: its first line is a part of one, and may begin within an escape sequence. */
  readonly isCut?: boolean | undefined;
}

/**
 * What a terminal would show of an output, line by line: progress bars as they stood at last, no control characters but line breaks, no
 * characters that turn the order of others round. What moves the cursor between lines is ignored.
 */
export function cleanOutput(text: string, { ansi, isCut = false }: CleanOptions): string {
  const whole = (isCut ? afterCut(text) : text).toWellFormed().replace(turning, '\ufffd').replaceAll('\r\n', '\n');
  if (!controls.test(whole)) return whole;
  const line = createTerminalLine();
  const lines: string[] = [];
  let [pen, written]: [Pen, Pen] = [plainPen, plainPen];
  const endLine = (): void => {
    const shown = line.flush(written);
    lines.push(shown.text);
    written = shown.pen;
  };
  for (const piece of piecesOf(whole)) {
    if (piece === '\n') endLine();
    else if (piece.length === 1 && piece <= '\u009f' && controls.test(piece)) obey(piece, line);
    else if (!startsSequence.test(piece)) line.write(piece, pen);
    else {
      const [, params, command] = csi.exec(piece) ?? [];
      if (params === undefined || command === undefined) continue;
      if (command === 'm') pen = ansi ? penAfter(pen, params) : pen;
      else move(command, params, line);
    }
  }
  endLine();
  return lines.join('\n') + penChange(written, plainPen);
}

/** Of bidirectional text: they make a text look like another one. */
const turning = /[\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const startsSequence = /^[\u001b\u0090\u0098\u009b\u009d-\u009f]/;
/** A whole sequence without private parameters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const csi = /^(?:\u001b\[|\u009b)([0-9;:]*)([A-Za-z`])$/;
/** Text, one control character, or an escape sequence, which may be incomplete (ECMA-48 §5.4, §5.6). */
const pieces = new RegExp(
  [
    '[^\\u0000-\\u001f\\u007f-\\u009f]+',
    // A string that nothing ends is taken to end with its line.
    '(?:\\u001b[PX^_]|[\\u0090\\u0098\\u009e\\u009f])' +
      '(?:[^\\u001b\\u0090\\u0098\\u009c-\\u009f]*(?:\\u001b\\\\|\\u009c)|[^\\n\\u001b\\u0090\\u0098\\u009c-\\u009f]*)',
    '(?:\\u001b\\]|\\u009d)[^\\n\\u0007\\u001b\\u009c]*(?:\\u0007|\\u001b\\\\|\\u009c)?',
    '(?:\\u001b\\[|\\u009b)[0-?]*[ -/]*[@-~]?',
    '\\u001b[ -/]*[0-~]?',
    '[^]',
  ].join('|'),
  'g',
);

function* piecesOf(text: string): Generator<string> {
  for (const [piece] of text.matchAll(pieces)) yield piece;
}

function obey(control: string, line: TerminalLine): void {
  if (control === '\r') line.moveTo(0);
  if (control === '\b') line.moveBy(-1);
  if (control === '\t') line.tab();
}

function move(command: string, params: string, line: TerminalLine): void {
  const count = Number(params.split(';')[0]);
  if (Number.isNaN(count)) return;
  if (command === 'K') line.erase(count);
  if (command === 'C') line.moveBy(count || 1);
  if (command === 'D') line.moveBy(-(count || 1));
  if (command === 'G' || command === '`') line.moveTo((count || 1) - 1);
}

/** Without the rest of a line, of a character or of an escape sequence. */
function afterCut(text: string): string {
  const firstLine = text.indexOf('\n');
  if (firstLine >= 0 && firstLine < text.length - 1) return text.slice(firstLine + 1);
  return text.replace(/^[\ufffd\udc00-\udfff]+/, '').replace(/^(?:\[[0-9;:]*|[0-9;:]+)m/, '');
}
