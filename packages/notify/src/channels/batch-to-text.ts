import type { NotificationBatch, NotificationItem } from '@moltbot/plugin-sdk';

/** `[CRITICAL] A disk is full`, with how many more there are. One line. */
export function subjectOf({ kind, severity, items }: NotificationBatch): string {
  const gravest = items.find(({ notification }) => notification.severity === severity);
  const title = gravest?.notification.title ?? '';
  const more = items.length > 1 ? ` and ${items.length - 1} more` : '';
  const text = `[${severity.toUpperCase()}] ${kind === 'digest' ? 'While it was quiet: ' : ''}${title}${more}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not get into a header
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ');
}

/** A batch as plain text, for people. */
export function batchToText({ kind, items }: NotificationBatch): string {
  const head = kind === 'digest' ? ['This was held while it was quiet.', ''] : [];
  return `${[...head, items.map(itemToText).join('\n\n----\n\n')].join('\n')}\n`;
}

function itemToText({ notification, repeats }: NotificationItem): string {
  const { severity, title, text, at, fields = [], links = [], labels } = notification;
  const named = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return [
    `${severity.toUpperCase()}: ${title}`,
    new Date(at).toISOString(),
    ...(repeats > 0 ? [repeatsInWords(repeats)] : []),
    ...(text === undefined ? [] : ['', text]),
    ...(fields.length === 0 ? [] : ['', ...fields.map(({ name, value }) => `${name}: ${value}`)]),
    ...(links.length === 0 ? [] : ['', ...links.map((link) => `${link.title}: ${link.url}`)]),
    ...(named.length === 0 ? [] : ['', named.join(' ')]),
  ].join('\n');
}

export const repeatsInWords = (repeats: number): string =>
  repeats === 1 ? 'The same came once more.' : `The same came ${repeats} times more.`;
