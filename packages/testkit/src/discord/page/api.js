// What the page asks of the stand-in.
import { currentLanguage, t } from './text.js';

/** Who acts, and where the page is. */
export const here = { user: undefined, channel: undefined, state: undefined };

async function answerOf(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(t(body.error ?? response.statusText));
  return body;
}

export const read = async (name, query = {}) =>
  answerOf(await fetch(`/page/${name}?${new URLSearchParams({ user: here.user ?? '', ...query })}`));

/** Acts as the chosen user, in the language of the page. */
export const act = async (name, body) =>
  answerOf(
    await fetch(`/page/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user: here.user, channel: here.channel, locale: currentLanguage(), ...body }),
    }),
  );

/** A chosen file as the stand-in takes it. */
export async function packed(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return { name: file.name, base64: btoa(text) };
}

/** An element with its class and children; text is never read as markup. */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}
