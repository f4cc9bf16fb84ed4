// The colours that Discord shows in ```ansi blocks: SGR 0, 1, 4, 30-37, 40-47.
import { make } from './api.js';

// The escape character is the point of it.
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const escapes = /\u001b\[([\d;]*)m/g;

/** The text as spans, with the state carried from one sequence to the next. */
export function ansiNodes(text) {
  const nodes = [];
  let state = { bold: false, underline: false, color: undefined, background: undefined };
  let start = 0;
  const flush = (end) => {
    if (end > start) nodes.push(styled(text.slice(start, end), state));
  };
  for (const match of text.matchAll(escapes)) {
    flush(match.index);
    start = match.index + match[0].length;
    for (const code of (match[1] || '0').split(';').map(Number)) state = after(state, code);
  }
  flush(text.length);
  return nodes;
}

function after(state, code) {
  if (code === 0) return { bold: false, underline: false, color: undefined, background: undefined };
  if (code === 1) return { ...state, bold: true };
  if (code === 4) return { ...state, underline: true };
  if (code >= 30 && code <= 37) return { ...state, color: code };
  if (code >= 40 && code <= 47) return { ...state, background: code };
  return state;
}

function styled(text, { bold, underline, color, background }) {
  const classes = [
    bold && 'ansi-bold',
    underline && 'ansi-underline',
    color && `ansi-${color}`,
    background && `ansi-${background}`,
  ].filter(Boolean);
  return classes.length === 0 ? document.createTextNode(text) : make('span', classes.join(' '), text);
}
