import type { Notifications } from '@moltbot/notify';
import { compileAlerts } from '@moltbot/schedules';
import {
  type AlertRule,
  asMoltError,
  idFrom,
  type Logger,
  type NoticeSpec,
  type Notification,
  type OccurrenceReason,
  type RunRecord,
  type ScheduleRecord,
  type TaskRecord,
  usualActions,
} from '@moltbot/shared';

/** What people are told of a schedule that asks for it (`onFailure`, `alerts`). Each is told once, however often it is asked for. */
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
  /** Holds the data of the runs against the alerts of the schedule. */
  results(
    record: ScheduleRecord,
    what: { readonly at: number; readonly task: TaskRecord; readonly runs: readonly RunRecord[] },
  ): Promise<void>;
  /** @param what `at`: the instant whose failure was the last one */
  paused(record: ScheduleRecord, what: { readonly at: number; readonly failures: number }): Promise<void>;
}

type Said = Pick<Notification, 'title' | 'at' | 'fields' | 'actions'> & {
  /** What of the instant it is about: part of its id. */
  readonly what: string;
  readonly how: NoticeSpec | undefined;
};

export function createNotices({ notify, log }: Pick<Notifications, 'notify'> & { readonly log: Logger }): Notices {
  const tell = async (
    record: ScheduleRecord,
    { what, how, title, at, fields = [], actions = [] }: Said,
  ): Promise<void> => {
    const { tenant, id, spec } = record;
    if (!how) return;
    await notify({
      id: idFrom('schedule', tenant, id, what, String(at)),
      ...{ tenant, at, severity: how.severity, title, labels: { ...how.labels, schedule: id }, to: how.to },
      actions: [...usualActions, ...actions],
      fields: [...(spec.owner === undefined ? [] : [{ name: 'owner', value: spec.owner }]), ...fields],
    });
  };
  /** A condition that cannot be asked of a result is not met, and no reason to leave the others unasked. */
  const holds = (isMet: () => boolean, { tenant, id }: ScheduleRecord, target: string): boolean => {
    try {
      return isMet();
    } catch (error) {
      log.warn({ tenant, schedule: id, target, reason: asMoltError(error).message }, 'an alert could not be judged');
      return false;
    }
  };
  const instant = (at: number) => ({ name: 'instant', value: new Date(at).toISOString() });
  return {
    missed: (record, { at, reason = 'refused', note, count }) =>
      tell(record, {
        ...{
          what: 'missed',
          how: record.spec.onFailure,
          at,
          title: `Schedule ${record.id} missed ${count ?? 'an'} occurrence${count ? 's' : ''}`,
        },
        fields: [instant(at), { name: 'reason', value: note ?? reason }],
      }),
    failed: (record, { at, task }) =>
      tell(record, {
        ...{ what: 'failed', how: record.spec.onFailure, at, title: `Schedule ${record.id}: ${task.state}` },
        fields: [instant(at), { name: 'task', value: task.task.id }],
      }),
    async results(record, { at, task, runs }) {
      const alerts = compileAlerts(record.spec.alerts);
      for (const { target, data, index } of runs) {
        if (data === undefined) continue;
        for (const [place, { rule, isMet }] of alerts.entries()) {
          const labels = { ...rule.labels, target };
          if (!holds(() => isMet({ result: data, target, labels }), record, target)) continue;
          await tell(record, {
            ...{ what: `alert ${place} ${index}`, how: { ...rule, labels }, at, title: `${rule.title} (${target})` },
            actions: remedyOf(rule, target),
            fields: [{ name: 'target', value: target }, { name: 'task', value: task.task.id }, instant(at)],
          });
        }
      }
    },
    paused: (record, { at, failures }) =>
      tell(record, {
        ...{
          what: 'paused',
          how: record.spec.onFailure,
          at,
          title: `Schedule ${record.id} is paused after ${failures} failures`,
        },
        fields: [instant(at)],
      }),
  };
}

function remedyOf({ remedy }: AlertRule, target: string): NonNullable<Notification['actions']> {
  if (!remedy) return [];
  const { title, action, args, on = target } = remedy;
  return [{ id: 'remedy', kind: 'run', title, task: { action, args, on } }];
}
