import type { NotificationBatch, NotificationItem } from '@moltbot/plugin-sdk';
import type { Severity } from '@moltbot/shared';
import { repeatsInWords } from './batch-to-text.ts';

const colours: Readonly<Record<Severity, string>> = {
  info: '#2f6fbf',
  warning: '#b7791f',
  error: '#c53030',
  critical: '#9b1c5f',
};

/** A batch as an HTML document that needs nothing from outside. */
export function batchToHtml({ kind, items }: NotificationBatch): string {
  const head = kind === 'digest' ? '<p>This was held while it was quiet.</p>' : '';
  const style = 'font-family:sans-serif;font-size:14px;line-height:1.45;color:#1a202c;max-width:640px';
  return `<!doctype html><html><body><div style="${style}">${head}${items.map(itemToHtml).join('')}</div></body></html>`;
}

function itemToHtml({ notification, repeats }: NotificationItem): string {
  const { severity, title, text, at, fields = [], links = [], labels } = notification;
  const colour = colours[severity];
  const named = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const when = [new Date(at).toISOString(), ...(repeats > 0 ? [repeatsInWords(repeats)] : []), ...named].join(' · ');
  return [
    `<div style="border-left:4px solid ${colour};padding:2px 0 2px 12px;margin:0 0 20px">`,
    `<div style="color:${colour};font-size:12px;font-weight:bold">${severity.toUpperCase()}</div>`,
    `<div style="font-size:16px;font-weight:bold">${escaped(title)}</div>`,
    text === undefined ? '' : `<div style="white-space:pre-wrap;margin:8px 0">${escaped(text)}</div>`,
    fields.length === 0 ? '' : `<table style="margin:8px 0">${fields.map(fieldToHtml).join('')}</table>`,
    ...links.map(linkToHtml),
    `<div style="color:#718096;font-size:12px">${escaped(when)}</div></div>`,
  ].join('');
}

const fieldToHtml = ({ name, value }: { readonly name: string; readonly value: string }): string =>
  `<tr><td style="color:#718096;padding-right:12px">${escaped(name)}</td><td>${escaped(value)}</td></tr>`;

/** Only what a browser opens as a page is a link. */
const linkToHtml = ({ title, url }: { readonly title: string; readonly url: string }): string =>
  /^https?:\/\//i.test(url)
    ? `<div><a href="${escaped(url)}">${escaped(title)}</a></div>`
    : `<div>${escaped(title)}: ${escaped(url)}</div>`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
