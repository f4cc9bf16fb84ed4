import { z } from 'zod';
import { idFrom } from './ids.ts';
import { TenantId } from './principal.ts';
import { type Severity, severities } from './schedule.ts';

/** Something people shall be told. Routes say by which channels. */
export interface Notification {
  /** Given by who raises it, and the same however often that is done: under one id it is told once. */
  readonly id: string;
  readonly tenant: string;
  /** When it happened, epoch ms. */
  readonly at: number;
  readonly severity: Severity;
  /** One line. */
  readonly title: string;
  readonly text?: string | undefined;
  readonly fields?: readonly NotificationField[] | undefined;
  readonly links?: readonly NotificationLink[] | undefined;
  /** What people can do about it, where the channel has buttons. */
  readonly actions?: readonly NotificationAction[] | undefined;
  /** What it is routed and gathered by: `schedule`, `target`, `team`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Two with the same key and severity are the same matter, which is not told again too soon. Default: the title and the labels. */
  readonly key?: string | undefined;
  /** Names of channels of its tenant; overrides the routes. */
  readonly to?: readonly string[] | undefined;
}

export interface NotificationField {
  readonly name: string;
  readonly value: string;
}

export interface NotificationLink {
  readonly title: string;
  readonly url: string;
}

/** A button. */
export interface NotificationAction {
  readonly id: string;
  readonly title: string;
  readonly kind: 'acknowledge' | 'silence' | 'run';
  /** Of `run`: what it does. */
  readonly task?: NotificationTask | undefined;
}

export interface NotificationTask {
  readonly action: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Target selector. */
  readonly on: string;
}

/** What people can do about anything that needs somebody. */
export const usualActions: readonly NotificationAction[] = [
  { id: 'acknowledge', title: 'Acknowledge', kind: 'acknowledge' },
  { id: 'silence', title: 'Silence', kind: 'silence' },
];

/** Lengths that fit every channel. What raises a notification by itself is clipped to them, what people write is held to them. */
export const notificationLimits = {
  title: 200,
  text: 16_000,
  fields: 50,
  value: 1_000,
  links: 20,
  actions: 5,
} as const;

const { title, text, fields, value, links, actions } = notificationLimits;
const word = z.string().min(1).max(128);

export const Notification: z.ZodType<Notification> = z.strictObject({
  id: z.string().min(1).max(300),
  tenant: TenantId,
  at: z.int(),
  severity: z.enum(severities),
  title: z.string().min(1).max(title),
  text: z.string().max(text).optional(),
  fields: z
    .array(z.strictObject({ name: word, value: z.string().max(value) }))
    .max(fields)
    .optional(),
  links: z
    .array(z.strictObject({ title: z.string().min(1).max(title), url: z.url().max(2_048) }))
    .max(links)
    .optional(),
  actions: z
    .array(
      z.strictObject({
        ...{ id: word, title: word, kind: z.enum(['acknowledge', 'silence', 'run']) },
        task: z
          .strictObject({ action: z.string(), args: z.record(z.string(), z.unknown()), on: z.string() })
          .optional(),
      }),
    )
    .max(actions)
    .optional(),
  labels: z.record(word, z.string().max(value)),
  key: z.string().min(1).max(1_000).optional(),
  to: z.array(word).max(20).optional(),
});

/** What makes two notifications the same matter. */
export function notificationKeyOf(notification: Pick<Notification, 'key' | 'title' | 'labels'>): string {
  if (notification.key !== undefined) return notification.key;
  const labels = Object.entries(notification.labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return idFrom('notification-key', notification.title, ...labels.flat());
}

/** The gravest of them; `info` for none. */
export const gravest = (of: readonly Severity[]): Severity =>
  severities.findLast((severity) => of.includes(severity)) ?? 'info';

export const isBelow = (severity: Severity, limit: Severity): boolean =>
  severities.indexOf(severity) < severities.indexOf(limit);
