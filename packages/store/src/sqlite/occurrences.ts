import type { Occurrence, OccurrenceState } from '@moltbot/shared';
import { isOpenOccurrence, occurrenceMoves } from '../schedule-moves.ts';
import type {
  DecideOutcome,
  Decision,
  OccurrenceEnd,
  OccurrenceMove,
  OccurrencePage,
  OccurrenceQuery,
  OpenOccurrence,
  ScheduleStore,
} from '../schedules-port.ts';
import type { Sql } from './database.ts';
import { find, noteChange } from './schedules.ts';
import type { DoStep, Step } from './tables.ts';

type OccurrenceCalls = Pick<
  ScheduleStore,
  | 'decideOccurrences'
  | 'moveOccurrence'
  | 'reopenOccurrence'
  | 'endOccurrence'
  | 'getOccurrence'
  | 'listOccurrences'
  | 'listOpenOccurrences'
>;

export function createOccurrenceCalls(step: DoStep): OccurrenceCalls {
  return {
    decideOccurrences: (decision) => step((at) => decide(at, decision)),
    moveOccurrence: (move) => step((at) => moveTo(at, move)),
    reopenOccurrence: (tenant, scheduleId, at) => step((now) => reopen(now, { tenant, scheduleId, at })),
    endOccurrence: (end) => step((at) => noteEnd(at, end)),
    getOccurrence: (tenant, scheduleId, at) => step(({ sql }) => read(sql, { tenant, scheduleId, at })),
    listOccurrences: (tenant, scheduleId, query) => step(({ sql }) => list(sql, { tenant, scheduleId }, query)),
    listOpenOccurrences: (tenant, { limit, after }) => step(({ sql }) => listOpen(sql, tenant, limit, after)),
  };
}

interface Place {
  readonly tenant: string;
  readonly scheduleId: string;
  readonly at: number;
}

function read(sql: Sql, { tenant, scheduleId, at }: Place): Occurrence | undefined {
  const text = 'SELECT occurrence FROM occurrences WHERE tenant = ? AND schedule_id = ? AND at = ?';
  const row = sql.get<{ occurrence: string }>(text, tenant, scheduleId, at);
  return row && JSON.parse(row.occurrence);
}

/** `decided_at` is the time of its end: that of the last change of one that is not open. */
function write(
  { sql, now }: Step,
  { tenant, scheduleId }: Omit<Place, 'at'>,
  { occurrence, follow }: { readonly occurrence: Occurrence; readonly follow: boolean },
): void {
  const { at, state, due } = occurrence;
  sql.run(
    `INSERT OR REPLACE INTO occurrences (tenant, schedule_id, at, state, due, is_open, decided_at, occurrence)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[tenant, scheduleId, at, state, due, isOpenOccurrence(occurrence, follow) ? 1 : 0, now],
    JSON.stringify(occurrence),
  );
}

function decide(step: Step, decision: Decision): DecideOutcome {
  const { sql, now } = step;
  const { tenant, scheduleId, revision, epoch, cursor, occurrences } = decision;
  const schedule = find(sql, tenant, scheduleId);
  if (!schedule) return { kind: 'absent' };
  if (epoch > 0 && epoch < schedule.epoch) return { kind: 'fenced' };
  if (revision !== schedule.revision) return { kind: 'stale' };
  const taken = occurrences.map((occurrence) => {
    if (read(sql, { tenant, scheduleId, at: occurrence.at })) return false;
    const firedAt = occurrence.state === 'fired' ? { firedAt: now } : {};
    write(step, decision, { occurrence: { ...occurrence, decidedAt: now, ...firedAt }, follow: true });
    return true;
  });
  const text = 'UPDATE schedules SET cursor = max(cursor, ?), epoch = max(epoch, ?) WHERE tenant = ? AND id = ?';
  sql.run(text, cursor ?? 0, epoch, tenant, scheduleId);
  // Who decides beside the leader makes it look.
  if (epoch === 0) setRevision(step, tenant, scheduleId);
  return { kind: 'ok', taken };
}

function setRevision(step: Step, tenant: string, id: string): void {
  const revision = noteChange(step, tenant, id);
  step.sql.run('UPDATE schedules SET revision = ? WHERE tenant = ? AND id = ?', revision, tenant, id);
}

function moveTo(step: Step, move: OccurrenceMove): 'ok' | 'illegal' | 'absent' {
  const { sql, now } = step;
  const { from, to, follow = false } = move;
  const known = read(sql, move);
  if (!known) return 'absent';
  if (known.state === to.state && known.taskId === (to.taskId ?? known.taskId)) return 'ok';
  if (from !== undefined && known.state !== from) return 'illegal';
  if (!occurrenceMoves[known.state].includes(to.state)) return 'illegal';
  const { reason: _reason, note: _note, ...rest } = known;
  const firedAt = to.state === 'fired' ? { firedAt: now } : {};
  write(step, move, { occurrence: { ...rest, ...defined(to), ...firedAt }, follow });
  return 'ok';
}

/** Without what is undefined, as JSON leaves it out. */
const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;

function reopen(step: Step, place: Place): 'ok' | 'illegal' | 'absent' {
  const { sql, now } = step;
  const { tenant, scheduleId, at } = place;
  if (!find(sql, tenant, scheduleId)) return 'absent';
  const known = read(sql, place);
  if (known && known.state !== 'missed' && known.state !== 'skipped') return 'illegal';
  const { count = 1 } = known ?? {};
  if (known && count > 1)
    write(step, place, { occurrence: { ...known, at: at + 1, due: at + 1, count: count - 1 }, follow: false });
  const occurrence = { at, due: at, kind: 'backfill', state: 'waiting', decidedAt: now } as const;
  write(step, place, { occurrence, follow: true });
  setRevision(step, tenant, scheduleId);
  return 'ok';
}

function noteEnd(step: Step, end: OccurrenceEnd): number | undefined {
  const { sql } = step;
  const { tenant, scheduleId, outcome, failed } = end;
  const known = read(sql, end);
  if (known?.state !== 'fired' || known.outcome !== undefined) return undefined;
  write(step, end, { occurrence: { ...known, outcome }, follow: false });
  const schedule = find(sql, tenant, scheduleId);
  const before = schedule?.failures ?? 0;
  const failures = failed === undefined ? before : failed ? before + 1 : 0;
  sql.run('UPDATE schedules SET failures = ? WHERE tenant = ? AND id = ?', failures, tenant, scheduleId);
  return failures;
}

/** Rows of one step of a filtered listing: a page may be short, and still have a cursor. */
const scanned = 1_000;

function list(
  sql: Sql,
  { tenant, scheduleId }: Omit<Place, 'at'>,
  { since, until, states, limit, cursor }: OccurrenceQuery,
): OccurrencePage {
  const below = Math.min(
    until ?? Number.MAX_SAFE_INTEGER,
    cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor),
  );
  const rows = sql.all<{ at: number; state: OccurrenceState; occurrence: string }>(
    `SELECT at, state, occurrence FROM occurrences WHERE tenant = ? AND schedule_id = ? AND at < ? AND at >= ?
     ORDER BY at DESC LIMIT ?`,
    ...[tenant, scheduleId, below, since ?? 0, Math.max(scanned, limit + 1)],
  );
  return pageOf(rows, { states, limit, scannedAll: rows.length < Math.max(scanned, limit + 1) });
}

/** The first `limit` of them that are asked for, and where to go on. */
function pageOf(
  rows: readonly { readonly at: number; readonly state: OccurrenceState; readonly occurrence: string }[],
  {
    states,
    limit,
    scannedAll,
  }: { readonly states: readonly OccurrenceState[] | undefined; readonly limit: number; readonly scannedAll: boolean },
): OccurrencePage {
  const matches = rows.filter(({ state }) => !states || states.includes(state));
  const page = matches.slice(0, limit);
  const last = matches.length > limit ? page.at(-1) : scannedAll ? undefined : rows.at(-1);
  return {
    occurrences: page.map(({ occurrence }) => JSON.parse(occurrence)),
    ...(last && { cursor: String(last.at) }),
  };
}

function listOpen(
  sql: Sql,
  tenant: string,
  limit: number,
  after: OpenOccurrence | undefined,
): readonly OpenOccurrence[] {
  const [due, id, at] = after ? [after.occurrence.due, after.scheduleId, after.occurrence.at] : [-1, '', -1];
  const text = `SELECT schedule_id, occurrence FROM occurrences
    WHERE tenant = ? AND is_open = 1 AND (due, schedule_id, at) > (?, ?, ?) ORDER BY due, schedule_id, at LIMIT ?`;
  return sql
    .all<{ schedule_id: string; occurrence: string }>(text, tenant, due, id, at, limit)
    .map(({ schedule_id: scheduleId, occurrence }) => ({ scheduleId, occurrence: JSON.parse(occurrence) }));
}

const perCall = 500;

/** Forgets occurrences that ended long ago. */
export function expireOccurrences({ sql, now }: Step, keptMs: number): void {
  const text = 'SELECT tenant, schedule_id, at FROM occurrences WHERE is_open = 0 AND decided_at <= ? LIMIT ?';
  for (const row of sql.all<{ tenant: string; schedule_id: string; at: number }>(text, now - keptMs, perCall)) {
    const { tenant, schedule_id: id, at } = row;
    sql.run('DELETE FROM occurrences WHERE tenant = ? AND schedule_id = ? AND at = ?', tenant, id, at);
  }
}
