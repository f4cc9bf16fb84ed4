import type { NotifierChannel } from '@moltbot/plugin-sdk';
import type { Severity } from '@moltbot/shared';

const levels = { info: 'info', warning: 'warn', error: 'error', critical: 'error' } as const satisfies Record<
  Severity,
  string
>;

/** Tells the log: a line an item. */
export const openLog = (): NotifierChannel => ({
  async send({ items }, { log }) {
    for (const { notification, repeats } of items) {
      const { id, severity, title, text, fields, links, labels } = notification;
      log[levels[severity]]({ notification: id, severity, labels, text, fields, links, repeats }, title);
    }
  },
  async close() {},
});
