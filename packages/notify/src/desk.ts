import {
  type Clock,
  type Logger,
  MoltError,
  type Notification,
  type NotificationsConfig,
  newId,
  type Principal,
  usualActions,
} from '@moltbot/shared';
import type { NotificationDelivery, NotificationPage, NotificationRecord, Store } from '@moltbot/store';
import { notify } from './notify.ts';
import { requireChannel } from './routes.ts';

export interface NotificationDeskDeps {
  readonly config: NotificationsConfig;
  readonly store: Pick<Store, 'addNotification' | 'getNotification' | 'listNotifications' | 'getRecord'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export type TestNotification = Pick<Notification, 'severity' | 'title' | 'text' | 'labels'> & {
  /** Default: as the routes say. */
  readonly channel?: string | undefined;
};

/** Where people look at notifications, and try their channels. */
export interface NotificationDesk {
  /** Newest first. @throws MOLT_BAD_REQUEST for a cursor that is none, MOLT_STORE_DOWN */
  list(
    principal: Principal,
    query: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<NotificationPage>;
  /**
   * Raises a notification that neither waits nor is held, and waits up to `ms` for what becomes of it: a delivery that ended, or a first
   * try that failed. Resolves with how it is then.
   * @throws MOLT_UNKNOWN_CHANNEL, MOLT_STORE_DOWN
   */
  test(
    principal: Principal,
    wanted: TestNotification,
    wait: { readonly ms: number; readonly signal: AbortSignal },
  ): Promise<NotificationRecord>;
}

const pollMs = 200;

export function createNotificationDesk({ config, store, clock, log }: NotificationDeskDeps): NotificationDesk {
  return {
    list: ({ tenant }, query) => store.listNotifications(tenant, query),
    async test({ tenant, id: by }, { channel, ...wanted }, { ms, signal }) {
      if (channel !== undefined) requireChannel(channel, tenant, config);
      const id = `test:${newId()}`;
      const to = channel === undefined ? undefined : [channel];
      await notify(
        { config, store, log },
        { ...wanted, id, tenant, at: clock.now(), to, actions: usualActions },
        { urgent: true },
      );
      log.info({ tenant, principal: by, notification: id, channel }, 'a test notification was raised');
      const endsAt = clock.monotonic() + ms;
      for (;;) {
        const record = await store.getNotification(tenant, id);
        if (!record) throw new MoltError('MOLT_NOT_FOUND', `the notification ${id} was forgotten`);
        const isOver = signal.aborted || clock.monotonic() >= endsAt;
        if (isOver || record.deliveries.every(isDecided)) return record;
        await clock.sleep(pollMs, signal).catch(() => {});
      }
    },
  };
}

const isDecided = ({ state, tries }: NotificationDelivery): boolean =>
  state === 'sent' || state === 'repeated' || state === 'dead' || tries > 0;
