import { type ScheduleSpec, whyNoChannel } from '@moltbot/shared';
import { badSchedule } from '../when/bad-schedule.ts';

/** Channels by name, each with the tenant it belongs to. */
export type ChannelOwners = Readonly<Record<string, { readonly tenant: string }>>;

/** @throws MOLT_BAD_SCHEDULE when `to` names what is no channel of the tenant */
export function requireChannels(tenant: string, { onFailure, alerts }: ScheduleSpec, channels: ChannelOwners): void {
  const lists = [
    { path: '/onFailure/to', names: onFailure?.to ?? [] },
    ...alerts.map(({ to = [] }, index) => ({ path: `/alerts/${index}/to`, names: to })),
  ];
  for (const { path, names } of lists) {
    for (const [index, name] of names.entries()) {
      const why = whyNoChannel(name, tenant, channels);
      if (why !== undefined) throw badSchedule(`${path}/${index}`, why);
    }
  }
}
