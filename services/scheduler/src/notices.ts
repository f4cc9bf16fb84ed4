import type { Notifications } from '@moltbot/notify';
import {
  idFrom,
  type Notification,
  type OccurrenceReason,
  type ScheduleRecord,
  type TaskRecord,
} from '@moltbot/shared';

/** What people are told of a schedule that asks for it (`onFailure`). Each is told once, however often it is asked for. */
export interface Notices {
  missed(
    record: ScheduleRecord,
    what: {
      readonly at: number;
      readonly reason?: OccurrenceReason | undefined;
      readonly note?: string | undefined;
      readonly count?: number | undefined;
    },
  ): Promise<void>;
  failed(record: ScheduleRecord, what: { readonly at: number; readonly task: TaskRecord }): Promise<void>;
  paused(record: ScheduleRecord, failures: number): Promise<void>;
}

type Said = Pick<Notification, 'title' | 'at' | 'fields'> & { readonly what: string };

export function createNotices({ notify }: Pick<Notifications, 'notify'>): Notices {
  const tell = async (record: ScheduleRecord, { what, title, at, fields = [] }: Said): Promise<void> => {
    const { tenant, id, spec } = record;
    if (!spec.onFailure) return;
    const { severity, labels } = spec.onFailure;
    await notify({
      id: idFrom('schedule', tenant, id, what, String(at)),
      ...{ tenant, at, severity, title, labels: { ...labels, schedule: id } },
      fields: [...(spec.owner === undefined ? [] : [{ name: 'owner', value: spec.owner }]), ...fields],
    });
  };
  const instant = (at: number) => ({ name: 'instant', value: new Date(at).toISOString() });
  return {
    missed: (record, { at, reason = 'refused', note, count }) =>
      tell(record, {
        ...{ what: 'missed', at, title: `Schedule ${record.id} missed ${count ?? 'an'} occurrence${count ? 's' : ''}` },
        fields: [instant(at), { name: 'reason', value: note ?? reason }],
      }),
    failed: (record, { at, task }) =>
      tell(record, {
        ...{ what: 'failed', at, title: `Schedule ${record.id}: ${task.state}` },
        fields: [instant(at), { name: 'task', value: task.task.id }],
      }),
    paused: (record, failures) =>
      tell(record, {
        ...{ what: 'paused', at: record.revision, title: `Schedule ${record.id} is paused after ${failures} failures` },
      }),
  };
}
