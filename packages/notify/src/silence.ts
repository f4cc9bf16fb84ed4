import { idFrom } from '@moltbot/shared';
import type { RecordStore } from '@moltbot/store';

const kind = 'notify.silences';

export interface Silence {
  readonly tenant: string;
  /** `notificationKeyOf` of a notification: all of the same matter. */
  readonly key: string;
  /** Ms. */
  readonly forMs: number;
}

/** Tells nobody of a matter for some time; what comes meanwhile is kept for reading. @throws MOLT_STORE_DOWN */
export async function silenceMatter(
  store: Pick<RecordStore, 'putRecord'>,
  { tenant, key, forMs }: Silence,
): Promise<void> {
  await store.putRecord({ tenant, kind, id: idFrom('silence', key) }, '{}', { keepMs: forMs });
}

/** @throws MOLT_STORE_DOWN */
export const isSilenced = async (
  store: Pick<RecordStore, 'getRecord'>,
  { tenant, key }: Pick<Silence, 'tenant' | 'key'>,
): Promise<boolean> => (await store.getRecord({ tenant, kind, id: idFrom('silence', key) })) !== undefined;
