import type { NotificationBatch, NotificationItem } from '@moltbot/plugin-sdk';

/** The body of a post: UTF-8 JSON. The same batch gives the same bytes, at every try and in every process. */
export function batchToBody({ tenant, channel, at, kind, severity, items }: NotificationBatch): Buffer {
  const data = { tenant, channel, digest: kind === 'digest', severity, notifications: items.map(itemToData) };
  return Buffer.from(JSON.stringify({ type: 'notification', timestamp: isoTime(at), data }));
}

function itemToData({ notification, repeats }: NotificationItem): object {
  const { id, at, severity, title, text, fields, links, labels } = notification;
  return { id, at: isoTime(at), severity, title, text, fields, links, labels, repeats };
}

const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
