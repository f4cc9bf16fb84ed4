const [esc, bell] = ['\u001b', '\u0007'];
/** What terminals take for more than text (ECMA-48): CSI, OSC, and escapes of two letters. */
const sequences = new RegExp(
  `${esc}\\[[0-?]*[ -/]*[@-~]|${esc}\\][^${bell}${esc}]*(?:${bell}|${esc}\\\\)?|${esc}.?`,
  'g',
);
/** All but tabs and line breaks; and what turns the order of letters round. */
const controls = /[^\P{Cc}\t\n]|\p{Bidi_Control}/gu;
/** Shows nothing, and keeps what stands around it apart. */
const joiner = '\u2060';

/** Output in a fenced block that it cannot leave: no colours, no end of the fence, no mention. */
export function fenced(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}

/** What can stand in a fenced block. */
export function plainCode(text: string): string {
  return plain(text)
    .replace(/`(?=`)/g, `\`${joiner}`)
    .replace(/<(?=\/?at\b)/gi, `<${joiner}`);
}

/** One line of a text. */
export const oneLine = (text: string): string => plain(text).replace(/\s+/g, ' ').trim();

/** A text for a component that understands no markup. */
export const plain = (text: string): string =>
  text.toWellFormed().replaceAll('\r\n', '\n').replace(sequences, '').replace(controls, '');
