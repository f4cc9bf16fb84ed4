import type { ScheduleRecord } from '@moltbot/shared';
import type { PutOutcome, ScheduleStore } from '../schedules-port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { scheduleScripts as scripts } from './lua/schedule-scripts.ts';
import type { Tenants } from './tenants.ts';

type ScheduleCalls = Pick<
  ScheduleStore,
  | 'putSchedule'
  | 'restoreSchedules'
  | 'getSchedule'
  | 'listSchedules'
  | 'dropSchedule'
  | 'pauseSchedule'
  | 'changedSchedules'
>;

/** What scripts about one schedule are given first (lua/schedule-scripts.ts). */
export const scheduleKeys = (tenant: string, id: string): string[] => [
  ...[keys.schedule(tenant, id), keys.schedules(tenant), keys.scheduleChanges(tenant)],
  ...[keys.occurrences(tenant, id), keys.occurrenceOrder(tenant, id)],
  ...[keys.occurrencesOpen(tenant), keys.occurrencesDecided(tenant)],
];

export function createScheduleCalls(client: RedisClient, tenants: Tenants): ScheduleCalls {
  const get = (tenant: string, id: string): Promise<ScheduleRecord | undefined> => read(client, tenant, id);
  const getAll = async (tenant: string, ids: readonly string[]): Promise<readonly (ScheduleRecord | undefined)[]> =>
    Promise.all(ids.map((id) => get(tenant, id)));
  return {
    async putSchedule({ tenant, id, spec, source, by, plan }) {
      await tenants.add(tenant);
      const args = [id, JSON.stringify(spec), plan, source, by, spec.enabled ? 1 : 0, ...fields];
      const reply = await client.run(scripts.put, scheduleKeys(tenant, id), args);
      const [kind, values] = reply as [PutOutcome['kind'], readonly (string | null)[]];
      const record = recordOf(tenant, id, values);
      if (!record) throw new Error(`schedule ${id} was written and is not there`);
      return { kind, record };
    },
    async restoreSchedules(tenant, records) {
      await tenants.add(tenant);
      const restored = records.map((record) =>
        client.run(scripts.restore, scheduleKeys(tenant, record.id), [record.id, ...fieldsOf(record)]),
      );
      return (await Promise.all(restored)).filter((made) => made === 1).length;
    },
    getSchedule: get,
    async listSchedules(tenant, { limit, cursor }) {
      const from = cursor === undefined ? '-' : `(${cursor}`;
      const command = ['ZRANGEBYLEX', keys.schedules(tenant), from, '+', 'LIMIT', 0, limit + 1] as const;
      const ids = (await client.command(...command)) as string[];
      const page = ids.slice(0, limit);
      const schedules = (await getAll(tenant, page)).filter((record) => record !== undefined);
      const last = page.at(-1);
      return { schedules, ...(ids.length > limit && last !== undefined && { cursor: last }) };
    },
    async dropSchedule(tenant, id, source) {
      return (await client.run(scripts.drop, scheduleKeys(tenant, id), [id, source])) as 'ok' | 'absent' | 'foreign';
    },
    async pauseSchedule(tenant, id, pause) {
      const args = [id, pause?.why ?? '', pause?.by ?? ''];
      return (await client.run(scripts.pause, scheduleKeys(tenant, id), args)) as 'ok' | 'same' | 'absent';
    },
    async changedSchedules(tenant, after, limit) {
      const args = [after, limit, keys.schedulePrefix(tenant), ...fields];
      const reply = await client.run(scripts.changed, [keys.scheduleChanges(tenant)], args);
      const [revision, ...found] = reply as [string, ...(readonly [string, string, readonly (string | null)[]])[]];
      const changes = found.map(([id, changedAt, values]) => {
        const record = recordOf(tenant, id, values);
        return { id, revision: Number(changedAt), ...(record && { record }) };
      });
      return { changes, revision: Number(revision) };
    },
  };
}

const fields = [
  ...['json', 'source', 'by', 'created', 'updated', 'revision', 'cursor', 'active', 'failures', 'pause'],
] as const;

async function read(client: RedisClient, tenant: string, id: string): Promise<ScheduleRecord | undefined> {
  return recordOf(
    tenant,
    id,
    (await client.command('HMGET', keys.schedule(tenant, id), ...fields)) as (string | null)[],
  );
}

/** The values of `fields` as a record. */
function recordOf(tenant: string, id: string, values: readonly (string | null)[]): ScheduleRecord | undefined {
  const [json, source, by, created, updated, revision, cursor, active, failures, pause] = values;
  if (!json) return undefined;
  return {
    ...{ tenant, id, spec: JSON.parse(json), revision: Number(revision) },
    ...{ source: source === 'config' ? 'config' : 'api', createdBy: by ?? '' },
    ...{ createdAt: Number(created), updatedAt: Number(updated), cursor: Number(cursor) },
    ...{ activeSince: Number(active), failures: Number(failures) },
    ...(pause && { paused: pauseOf(pause) }),
  };
}

/** `<why> <at> <by>`. */
function pauseOf(text: string): ScheduleRecord['paused'] {
  const [, why, at, by = ''] = /^(\S+) (\d+) (.*)$/s.exec(text) ?? [];
  return { why: why === 'failures' ? 'failures' : 'operator', at: Number(at), by };
}

function fieldsOf(record: ScheduleRecord & { readonly plan: string }): readonly (string | number)[] {
  const { spec, plan, source, createdBy, createdAt, updatedAt, cursor, activeSince, failures, paused } = record;
  return [
    ...['json', JSON.stringify(spec), 'plan', plan, 'source', source, 'by', createdBy, 'created', createdAt],
    ...['updated', updatedAt, 'cursor', cursor, 'active', activeSince, 'failures', failures],
    ...['enabled', spec.enabled ? 1 : 0],
    ...(paused ? ['pause', `${paused.why} ${paused.at} ${paused.by}`] : []),
  ];
}
