import type { SchedulePause, ScheduleRecord } from '@moltbot/shared';
import { nextFence } from '../fence.ts';
import type { PutOutcome, PutSchedule, ScheduleChanges, SchedulePage, ScheduleStore } from '../schedules-port.ts';
import type { Sql } from './database.ts';
import type { DoStep, Step } from './tables.ts';

interface ScheduleRow {
  readonly tenant: string;
  readonly id: string;
  readonly spec: string;
  readonly plan: string;
  readonly source: ScheduleRecord['source'];
  readonly created_by: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly revision: number;
  readonly cursor: number;
  readonly active_since: number;
  readonly failures: number;
  readonly paused: string | null;
  readonly epoch: number;
}

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

export function createScheduleCalls(step: DoStep): ScheduleCalls {
  return {
    putSchedule: (wanted) => step((at) => put(at, wanted)),
    restoreSchedules: (tenant, records) => step((at) => records.filter((record) => restore(at, tenant, record)).length),
    getSchedule: (tenant, id) =>
      step(({ sql }) => {
        const row = find(sql, tenant, id);
        return row && recordOf(row);
      }),
    listSchedules: (tenant, { limit, cursor = '' }) =>
      step(({ sql }): SchedulePage => {
        const text = 'SELECT * FROM schedules WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?';
        const rows = sql.all<ScheduleRow>(text, tenant, cursor, limit + 1);
        const schedules = rows.slice(0, limit).map(recordOf);
        const last = schedules.at(-1);
        return { schedules, ...(rows.length > limit && last && { cursor: last.id }) };
      }),
    dropSchedule: (tenant, id, source) =>
      step((at) => {
        const row = find(at.sql, tenant, id);
        if (!row) return 'absent';
        if (row.source !== source) return 'foreign';
        at.sql.run('DELETE FROM schedules WHERE tenant = ? AND id = ?', tenant, id);
        noteChange(at, tenant, id);
        return 'ok';
      }),
    pauseSchedule: (tenant, id, pause) => step((at) => setPause(at, tenant, id, pause)),
    changedSchedules: (tenant, after, limit) => step(({ sql }) => changed(sql, tenant, after, limit)),
  };
}

export const find = (sql: Sql, tenant: string, id: string): ScheduleRow | undefined =>
  sql.get<ScheduleRow>('SELECT * FROM schedules WHERE tenant = ? AND id = ?', tenant, id);

const lastRevision = (sql: Sql, tenant: string): number =>
  sql.get<{ revision: number | null }>(
    'SELECT max(revision) AS revision FROM schedule_changes WHERE tenant = ?',
    tenant,
  )?.revision ?? 0;

/** The next revision of the tenant, noted for this schedule. */
export function noteChange({ sql, now }: Step, tenant: string, id: string): number {
  const revision = nextFence(lastRevision(sql, tenant), now);
  sql.run('INSERT OR REPLACE INTO schedule_changes (tenant, id, revision) VALUES (?, ?, ?)', tenant, id, revision);
  return revision;
}

function put(at: Step, { tenant, id, spec, source, by, plan }: PutSchedule): PutOutcome {
  const { sql, now } = at;
  const known = find(sql, tenant, id);
  if (known && known.source !== source) return { kind: 'foreign', record: recordOf(known) };
  const text = JSON.stringify(spec);
  if (known?.spec === text && known.plan === plan) return { kind: 'same', record: recordOf(known) };
  const keepsPlan = known?.plan === plan;
  const wasEnabled = known !== undefined && recordOf(known).spec.enabled;
  write(at, {
    ...{ tenant, id, spec: text, plan, source, updated_at: now, revision: noteChange(at, tenant, id) },
    ...{ created_by: known?.created_by ?? by, created_at: known?.created_at ?? now },
    cursor: known && keepsPlan ? known.cursor : now,
    active_since: known && keepsPlan && (wasEnabled || !spec.enabled) ? known.active_since : now,
    ...{ failures: known?.failures ?? 0, paused: known?.paused ?? null, epoch: known?.epoch ?? 0 },
  });
  return { kind: known ? 'replaced' : 'created', record: recordOf(find(sql, tenant, id) ?? assertFound(id)) };
}

const assertFound = (id: string): never => {
  throw new Error(`schedule ${id} was written and is not there`);
};

const columns = [
  ...['tenant', 'id', 'spec', 'plan', 'source', 'created_by', 'created_at', 'updated_at', 'revision', 'cursor'],
  ...['active_since', 'failures', 'paused', 'epoch'],
] as const satisfies (keyof ScheduleRow)[];

function write({ sql }: Step, row: ScheduleRow): void {
  const marks = columns.map(() => '?').join(', ');
  const text = `INSERT OR REPLACE INTO schedules (${columns.join(', ')}) VALUES (${marks})`;
  sql.run(text, ...columns.map((column) => row[column]));
}

function restore(at: Step, tenant: string, record: ScheduleRecord & { readonly plan: string }): boolean {
  const { id, spec, plan, source, createdBy, createdAt, updatedAt, cursor, activeSince, failures, paused } = record;
  if (find(at.sql, tenant, id)) return false;
  write(at, {
    ...{ tenant, id, plan, source, cursor, failures, epoch: 0, spec: JSON.stringify(spec) },
    ...{ created_by: createdBy, created_at: createdAt, updated_at: updatedAt, active_since: activeSince },
    paused: paused ? JSON.stringify(paused) : null,
    revision: noteChange(at, tenant, id),
  });
  return true;
}

function setPause(
  at: Step,
  tenant: string,
  id: string,
  pause: Omit<SchedulePause, 'at'> | undefined,
): 'ok' | 'same' | 'absent' {
  const row = find(at.sql, tenant, id);
  if (!row) return 'absent';
  if ((row.paused !== null) === (pause !== undefined)) return 'same';
  const resumed = pause ? {} : { active_since: at.now, failures: 0 };
  const paused = pause ? JSON.stringify({ ...pause, at: at.now }) : null;
  write(at, { ...row, ...resumed, paused, revision: noteChange(at, tenant, id) });
  return 'ok';
}

function changed(sql: Sql, tenant: string, after: number, limit: number): ScheduleChanges {
  const text = 'SELECT id, revision FROM schedule_changes WHERE tenant = ? AND revision > ? ORDER BY revision LIMIT ?';
  const changes = sql.all<{ id: string; revision: number }>(text, tenant, after, limit).map(({ id, revision }) => {
    const row = find(sql, tenant, id);
    return { id, revision, ...(row && { record: recordOf(row) }) };
  });
  return { changes, revision: lastRevision(sql, tenant) };
}

const recordOf = (row: ScheduleRow): ScheduleRecord => ({
  ...{ tenant: row.tenant, id: row.id, spec: JSON.parse(row.spec), revision: row.revision, source: row.source },
  ...{ createdBy: row.created_by, createdAt: row.created_at, updatedAt: row.updated_at },
  ...{ cursor: row.cursor, activeSince: row.active_since, failures: row.failures },
  ...(row.paused !== null && { paused: JSON.parse(row.paused) }),
});
