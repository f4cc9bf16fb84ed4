import type { NotificationBatch } from '@moltbot/plugin-sdk';
import type { Place } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { z } from 'zod';
import { buttonKey } from '../render/notification-to-message.ts';
import type { Language } from '../texts/language.ts';

/** Notifications that stand in a chat in one message, and what people did about them there. */
export interface Notice {
  readonly batch: NotificationBatch;
  /** Of the words around it. */
  readonly language: Language;
  /** By the key of the notification (`buttonKey` of its id). */
  readonly done: Readonly<Record<string, NoticeDone>>;
}

export interface NoticeDone {
  readonly what: 'acknowledged' | 'silenced' | 'remedyRun';
  /** Name of who did it. */
  readonly by: string;
  /** Id of the event that did it. */
  readonly event: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Every call rejects with MOLT_STORE_DOWN. */
export interface Notices {
  /** Nothing when it is there already. @param where in which channel, and in which language */
  add(batch: NotificationBatch, where: { readonly channel: string; readonly language: Language }): Promise<void>;
  /** @param id of the batch */
  find(tenant: string, id: string): Promise<Notice | undefined>;
  /** The one that a button of it stands for: a notification can be in several channels. @param key `buttonKey` of its id */
  findByKey(tenant: string, place: Place, key: string): Promise<Notice | undefined>;
  /** The first that is done about a notification stands. @param id of the batch */
  note(tenant: string, id: string, key: string, done: NoticeDone): Promise<void>;
}

const kind = 'chat.notices';
const keyKind = 'chat.notice-keys';
/** How long something can be done about one, ms. */
const keepMs = 14 * 24 * 3_600_000;
const triesAtMost = 20;

const keyIn = (channel: string, key: string): string => `${channel}/${key}`;

const Notice: z.ZodType<Notice> = z.object({
  batch: z.custom<NotificationBatch>((value) => typeof value === 'object' && value !== null),
  language: z.enum(['en', 'zh-CN']),
  done: z.record(
    z.string(),
    z.object({
      what: z.enum(['acknowledged', 'silenced', 'remedyRun']),
      by: z.string(),
      event: z.string(),
      at: z.int(),
    }),
  ),
});

export function createNotices(store: Pick<Store, 'getRecord' | 'putRecord'>): Notices {
  const read = async (tenant: string, id: string) => {
    const record = await store.getRecord({ tenant, kind, id });
    return record && { notice: Notice.parse(JSON.parse(record.value)), version: record.version };
  };
  return {
    async add(batch, { channel, language }) {
      const { tenant, id } = batch;
      for (const { notification } of batch.items) {
        const name = { tenant, kind: keyKind, id: keyIn(channel, buttonKey(notification.id)) };
        await store.putRecord(name, id, { keepMs });
      }
      await store.putRecord({ tenant, kind, id }, JSON.stringify({ batch, language, done: {} }), {
        version: 0,
        keepMs,
      });
    },
    find: async (tenant, id) => (await read(tenant, id))?.notice,
    async findByKey(tenant, { thread, channel }, key) {
      // Where its channel is a thread, the platform calls it by that name.
      for (const where of thread === undefined ? [channel] : [channel, thread]) {
        const record = await store.getRecord({ tenant, kind: keyKind, id: keyIn(where, key) });
        if (record) return (await read(tenant, record.value))?.notice;
      }
      return undefined;
    },
    async note(tenant, id, key, done) {
      for (let tries = 0; tries < triesAtMost; tries += 1) {
        const known = await read(tenant, id);
        if (!known || known.notice.done[key]) return;
        const noted = { ...known.notice, done: { ...known.notice.done, [key]: done } };
        const write = { version: known.version, keepMs };
        if ((await store.putRecord({ tenant, kind, id }, JSON.stringify(noted), write)) !== undefined) return;
      }
      throw new Error('a notice is changed by others all the time');
    },
  };
}
