import type { NotificationBatch, NotificationItem } from '@moltbot/plugin-sdk';
import { idFrom, type NotificationAction, type Severity } from '@moltbot/shared';
import type { ChatButton, ChatMessage, Tone } from '../message.ts';
import { english, type Texts } from '../texts/english.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { fitMessage } from './fit-message.ts';
import { messageLimits } from './message-limits.ts';

/** What people are told: one thing with all that is known of it, or a list. */
export function notificationToMessage(batch: NotificationBatch, language: Language): ChatMessage {
  const t = texts(language);
  const [item] = batch.items;
  return fitMessage(item && batch.items.length === 1 ? itemToMessage(item, batch, t) : itemsToMessage(batch, t));
}

const tones: Readonly<Record<Severity, Tone>> = {
  info: 'neutral',
  warning: 'warning',
  error: 'failure',
  critical: 'failure',
};

function itemToMessage(
  { notification, repeats }: NotificationItem,
  { kind }: NotificationBatch,
  t: Texts,
): ChatMessage {
  const { severity, title, text, fields = [], links = [], labels, at, actions = [], id } = notification;
  const named = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const [pages, others] = [links.filter(isPage), links.filter((link) => !isPage(link))];
  return {
    tone: tones[severity],
    title: t.notification.title(t.severities[severity], title),
    text: [
      ...(kind === 'digest' ? [t.notification.digest(1)] : []),
      ...(repeats > 0 ? [t.notification.repeats(repeats)] : []),
      ...(text === undefined ? [] : [text]),
      ...others.map((link) => t.labelled(link.title, link.url)),
    ],
    fields,
    links: pages,
    buttons: actions.map((action) => toButton(id, action, labelOf(action, t))),
    footer: t.facts([timeOf(at), ...named]),
  };
}

function itemsToMessage({ kind, severity, items }: NotificationBatch, t: Texts): ChatMessage {
  const count = items.length;
  const shown = items.slice(0, messageLimits.rows);
  const words = kind === 'digest' ? t.notification.digest(count) : t.notification.several(count);
  return {
    tone: tones[severity],
    title: t.notification.title(t.severities[severity], words),
    text: count > shown.length ? [t.notification.more(count - shown.length)] : [],
    table: {
      head: t.notification.head,
      rows: shown.map(({ notification, repeats }, at) => [
        String(at + 1),
        t.severities[notification.severity],
        repeats > 0 ? t.notification.times(notification.title, repeats + 1) : notification.title,
        timeOf(notification.at),
      ]),
    },
    buttons: shown.flatMap(({ notification: { id, actions = [] } }, at) =>
      actions.map((action) => toButton(id, action, t.notification.numbered(at + 1, labelOf(action, t)))),
    ),
  };
}

/** What it is usually called is said in the language of the reader. */
function labelOf({ kind, title }: NotificationAction, t: Texts): string {
  const name = kind === 'run' ? 'runRemedy' : kind;
  return title.toLowerCase() === english.buttons[name].toLowerCase() ? t.buttons[name] : title;
}

const styles = { acknowledge: 'primary', silence: 'neutral', run: 'danger' } as const;

function toButton(id: string, action: NotificationAction, label: string): ChatButton {
  const { kind } = action;
  const verb = kind === 'acknowledge' ? 'ack' : kind;
  const name = kind === 'run' ? `remedy:${buttonKey(id)}:${buttonKey(action.id)}` : `${verb}:${buttonKey(id)}`;
  return { id: name, label, style: styles[kind] };
}

/** So long that two of them and a verb are a button's id. */
const keyLength = 45;

/** An id as it stands in the id of a button: itself, or a hash of it where it is too long or would be read as two. */
export const buttonKey = (id: string): string =>
  id.length <= keyLength && !id.includes(':') ? id : idFrom('button', id);

const isPage = ({ url }: { readonly url: string }): boolean => /^https?:\/\//i.test(url);

/** `2026-07-01 08:00 UTC` */
const timeOf = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
