import { MoltError, type Task, type TaskRecord } from '@moltbot/shared';
import type { DeadLetter, TaskPage, TaskQuery } from './port.ts';

/** Where a task stands in the order of acceptance: `<acceptedAt>:<id>`, of equal length so that text sorts as time does. */
export const positionOf = ({ acceptedAt, id }: Pick<Task, 'acceptedAt' | 'id'>): string =>
  `${timePosition(acceptedAt)}:${id}`;

/** The position before every task accepted at `ms`. */
export const timePosition = (ms: number): string => String(Math.max(0, Math.ceil(ms))).padStart(16, '0');

/** @throws MOLT_BAD_REQUEST when the text is not a cursor of a page. */
const checkCursor = (cursor: string | undefined): string | undefined => checkForm(cursor, /^\d{16}:[\w-]{1,64}$/);

function checkForm(cursor: string | undefined, form: RegExp): string | undefined {
  if (cursor === undefined || form.test(cursor)) return cursor;
  throw new MoltError('MOLT_BAD_REQUEST', 'the cursor is not one of a page', {
    places: [{ path: '/cursor', message: 'use the cursor of the page before' }],
  });
}

/** Where a dead letter stands, as a task does; its id may be any text. */
export const letterPositionOf = ({ diedAt, id }: Pick<DeadLetter, 'diedAt' | 'id'>): string =>
  `${timePosition(diedAt)}:${id}`;

/** Characters of a position before the id. */
export const timeLength = 17;

/** @throws MOLT_BAD_REQUEST when the text is not a cursor of a page. */
export const checkLetterCursor = (cursor: string | undefined): string | undefined =>
  checkForm(cursor, /^\d{16}:[^\0]{1,512}$/);

/** A task found while scanning; no record when it was forgotten meanwhile. */
export interface Scanned {
  readonly position: string;
  readonly record: TaskRecord | undefined;
}

/** Bounds what one page may cost when its filters match little. */
const scannedPerPage = 2_000;
const scannedPerStep = 200;

/**
 * One page of the tasks that match, by scanning from newest to oldest.
 * @param scan gives up to `count` tasks below a position, newest first
 */
export async function pageOf(
  query: TaskQuery,
  scan: (below: string | undefined, count: number) => Promise<readonly Scanned[]>,
): Promise<TaskPage> {
  const tasks: TaskRecord[] = [];
  let below = checkCursor(query.cursor);
  for (let scanned = 0; scanned < scannedPerPage; ) {
    const filtered = query.states !== undefined || query.action !== undefined;
    const count = filtered ? scannedPerStep : query.limit - tasks.length + 1;
    const found = await scan(below, count);
    for (const { position, record } of found) {
      if (tasks.length === query.limit) return { tasks, ...(below !== undefined && { cursor: below }) };
      if (record && matches(record, query)) tasks.push(record);
      below = position;
    }
    if (found.length < count) return { tasks };
    scanned += count;
  }
  return { tasks, ...(below !== undefined && { cursor: below }) };
}

const matches = ({ task, state }: TaskRecord, { states, action }: TaskQuery): boolean =>
  (states === undefined || states.includes(state)) && (action === undefined || task.action === action);
