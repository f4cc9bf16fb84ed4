import type { Notification } from '@moltbot/shared';

/** How one channel is to tell a notification. */
export interface NewDelivery {
  readonly channel: string;
  /** Two with the same key are the same matter to the channel. */
  readonly key: string;
  /** Those of the channel that wait in one group are due together. */
  readonly group: string;
  /** So long it waits for others of its group; less when one waits already. */
  readonly delayMs: number;
  /** Not to be held. */
  readonly urgent: boolean;
}

/**
 * - `waiting` for others of its group, `held` for the end of quiet hours: it is due then.
 * - `sending`: it is in a batch that is open.
 * - Final: `sent`; `repeated`: the same matter was told just before, and counts it; `dead`: given up.
 */
export type DeliveryState = 'waiting' | 'held' | 'sending' | 'sent' | 'repeated' | 'dead';

/** What became of a notification in one channel. */
export interface NotificationDelivery {
  readonly channel: string;
  readonly state: DeliveryState;
  /** Of its batch. */
  readonly tries: number;
  /** Why the last try failed. */
  readonly error?: string | undefined;
  /** Epoch ms of the last change. */
  readonly changedAt: number;
}

export interface NotificationRecord {
  readonly notification: Notification;
  /** Epoch ms. */
  readonly addedAt: number;
  /** By name of the channel; none when nobody is told. */
  readonly deliveries: readonly NotificationDelivery[];
}

export interface NotificationPage {
  /** Newest first. */
  readonly notifications: readonly NotificationRecord[];
  readonly cursor?: string | undefined;
}

/** A delivery whose time has come: to be held, or put into a batch. */
export interface DueDelivery extends Pick<NewDelivery, 'channel' | 'key' | 'group' | 'urgent'> {
  readonly notification: Notification;
  readonly held: boolean;
}

/** One message to people, as it is put together. */
export interface NewBatch {
  readonly tenant: string;
  readonly id: string;
  readonly channel: string;
  readonly kind: 'now' | 'digest';
  /** Ids of notifications, those of one key together: the first is told, and counts the others. */
  readonly matters: readonly { readonly key: string; readonly ids: readonly string[] }[];
  /** A matter that the channel told within so long is not told again: it is counted. 0: every one is told. */
  readonly repeatAfterMs: number;
}

export interface StoredBatch extends Pick<NewBatch, 'tenant' | 'id' | 'channel' | 'kind'> {
  /** Epoch ms of its making. */
  readonly at: number;
  /** That failed. */
  readonly tries: number;
  readonly items: readonly { readonly notification: Notification; readonly repeats: number }[];
}

export type BatchEnd =
  | { readonly kind: 'sent' }
  /** It is due again after `delayMs`. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: string }
  /** Its matters count as not told. */
  | { readonly kind: 'dead'; readonly error: string };

/** The outbox of what people are told. Each call is one atomic step; time is the store's. */
export interface NotificationStore {
  /** Under an id that is there already nothing changes: `known`. Without deliveries it is kept for reading alone. */
  addNotification(notification: Notification, deliveries: readonly NewDelivery[]): Promise<'new' | 'known'>;
  /** Waiting and held ones whose time has come, the longest due first. */
  dueDeliveries(tenant: string, limit: number): Promise<readonly DueDelivery[]>;
  /** They are due again after `delayMs`, those that still wait. */
  holdDeliveries(tenant: string, channel: string, ids: readonly string[], delayMs: number): Promise<void>;
  /** Puts what still waits into a new batch, due at once. Returns the number of its items; 0: there was nothing to tell, and there is no batch. */
  gatherBatch(batch: NewBatch): Promise<number>;
  /** Open batches whose time has come, the longest due first. */
  dueBatches(tenant: string, limit: number): Promise<readonly StoredBatch[]>;
  /** False when it is not open (any more): nothing changes. */
  settleBatch(tenant: string, id: string, end: BatchEnd): Promise<boolean>;
  getNotification(tenant: string, id: string): Promise<NotificationRecord | undefined>;
  listNotifications(
    tenant: string,
    query: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<NotificationPage>;
}
