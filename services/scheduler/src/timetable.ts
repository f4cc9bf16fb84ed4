import type { Plan, Planned } from '@moltbot/schedules';
import type { ScheduleRecord } from '@moltbot/shared';
import TinyQueue from 'tinyqueue';

/** A schedule as its leader knows it. */
export interface Entry {
  /** With the newest cursor that is known, which may be ahead of the store's. */
  readonly record: ScheduleRecord;
  /** Absent while it cannot be understood. */
  readonly plan?: Plan | undefined;
  /** The first instant after the cursor. */
  readonly next?: Planned | undefined;
}

interface Row {
  entry: Entry;
  /** Of its place in the queue: places of former versions are void. */
  version: number;
}

/** All schedules, by name and by the time of their next instant: a change costs O(log n), the next one O(1). */
export interface Timetable {
  /** Takes a record in, and gives it a place by its next instant. A cursor never moves back. */
  put(record: ScheduleRecord): Entry;
  drop(tenant: string, id: string): void;
  get(tenant: string, id: string): Entry | undefined;
  entries(): Iterable<Entry>;
  size(): number;
  /** Everything up to this instant is decided; gives it its next place. */
  advance(tenant: string, id: string, cursor: number): void;
  /** Those whose next instant has come, at most `limit`. They have no place until `advance` or `again`. */
  takeDue(now: number, limit: number): readonly Entry[];
  /** Gives it its place again, not before `notBefore`. */
  again(tenant: string, id: string, notBefore: number): void;
  /** When `takeDue` has something next, epoch ms. */
  nextAt(): number | undefined;
  clear(): void;
}

interface Place {
  readonly at: number;
  readonly row: Row;
  readonly version: number;
}

const nameOf = (tenant: string, id: string): string => `${tenant}/${id}`;

export interface TimetableDeps {
  /** The plan of a record, or undefined when it has none. */
  readonly planOf: (record: ScheduleRecord) => Plan | undefined;
  /** The first instant of a plan after the cursor of its record. Throws nothing: one bad schedule must not stop the others. */
  readonly nextOf: (plan: Plan, record: ScheduleRecord) => Planned | undefined;
}

export function createTimetable({ planOf, nextOf }: TimetableDeps): Timetable {
  const rows = new Map<string, Row>();
  let queue = new TinyQueue<Place>([], (a, b) => a.at - b.at);

  const place = (row: Row, at: number | undefined): void => {
    row.version += 1;
    if (at !== undefined) queue.push({ at, row, version: row.version });
  };
  const replan = (row: Row, record: ScheduleRecord, plan: Plan | undefined): void => {
    const isActive = record.spec.enabled && record.paused === undefined;
    const next = isActive && plan ? nextOf(plan, record) : undefined;
    row.entry = { record, plan, next };
    place(row, next?.at);
  };
  const settle = (): Place | undefined => {
    for (let first = queue.peek(); first; first = queue.peek()) {
      if (first.version === first.row.version) return first;
      queue.pop();
    }
    return undefined;
  };

  return {
    put(record) {
      const name = nameOf(record.tenant, record.id);
      const known = rows.get(name);
      const row: Row = known ?? { entry: { record }, version: 0 };
      rows.set(name, row);
      const cursor = Math.max(record.cursor, known?.entry.record.cursor ?? 0);
      const isSameSpec = known !== undefined && known.entry.record.revision === record.revision;
      replan(row, { ...record, cursor }, isSameSpec ? known.entry.plan : planOf(record));
      return row.entry;
    },
    drop(tenant, id) {
      const row = rows.get(nameOf(tenant, id));
      if (!row) return;
      row.version += 1;
      rows.delete(nameOf(tenant, id));
    },
    get: (tenant, id) => rows.get(nameOf(tenant, id))?.entry,
    *entries() {
      for (const { entry } of rows.values()) yield entry;
    },
    size: () => rows.size,
    advance(tenant, id, cursor) {
      const row = rows.get(nameOf(tenant, id));
      if (!row) return;
      const { record, plan } = row.entry;
      replan(row, { ...record, cursor: Math.max(cursor, record.cursor) }, plan);
    },
    takeDue(now, limit) {
      const due: Entry[] = [];
      for (let first = settle(); first && first.at <= now && due.length < limit; first = settle()) {
        queue.pop();
        first.row.version += 1;
        due.push(first.row.entry);
      }
      return due;
    },
    again(tenant, id, notBefore) {
      const row = rows.get(nameOf(tenant, id));
      if (row?.entry.next) place(row, Math.max(row.entry.next.at, notBefore));
    },
    nextAt: () => settle()?.at,
    clear() {
      rows.clear();
      queue = new TinyQueue<Place>([], (a, b) => a.at - b.at);
    },
  };
}
