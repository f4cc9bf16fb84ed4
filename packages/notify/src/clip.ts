import { notificationLimits as limits, type Notification } from '@moltbot/shared';

/** The notification with what is longer than any channel takes cut off: a part of it told is better than none. */
export function clip(notification: Notification): Notification {
  const { title, text, fields, links, actions } = notification;
  return {
    ...notification,
    title: clipText(title.replace(/\s+/g, ' ').trim(), limits.title) || '(no title)',
    ...(text !== undefined && { text: clipText(text, limits.text) }),
    ...(fields && {
      fields: fields.slice(0, limits.fields).map(({ name, value }) => ({
        name: clipText(name, 128),
        value: clipText(value, limits.value),
      })),
    }),
    ...(links && { links: links.slice(0, limits.links) }),
    ...(actions && { actions: actions.slice(0, limits.actions) }),
  };
}

/** Cuts between characters, not within one. */
function clipText(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
