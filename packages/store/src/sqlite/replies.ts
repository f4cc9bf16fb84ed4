import { checkLetterCursor, letterPositionOf, timeLength } from '../listing.ts';
import type { DeadLetter, DeadLetterPage, Store } from '../port.ts';
import { type DoStep, type Step, type TaskRow, taskRecordOf } from './tables.ts';

type ReplyCalls = Pick<
  Store,
  | 'listUnanswered'
  | 'markAnswered'
  | 'markDelivered'
  | 'wasDelivered'
  | 'putDeadLetter'
  | 'getDeadLetter'
  | 'listDeadLetters'
  | 'dropDeadLetter'
>;

export function createReplyCalls(step: DoStep): ReplyCalls {
  return {
    listUnanswered: (tenant, olderThanMs, limit) =>
      step(({ sql, now }) => {
        const text = `SELECT * FROM tasks WHERE tenant = ? AND unanswered = 1 AND finished_at <= ?
          ORDER BY finished_at, id LIMIT ?`;
        return sql.all<TaskRow>(text, tenant, now - olderThanMs, limit).map(taskRecordOf);
      }),
    markAnswered: (tenant, taskIds) =>
      step(({ sql }) => {
        const text = 'UPDATE tasks SET unanswered = 0 WHERE tenant = ? AND id = ?';
        for (const taskId of taskIds) sql.run(text, tenant, taskId);
      }),
    markDelivered: (tenant, replyId) =>
      step(({ sql, now }) => {
        const text = 'INSERT OR REPLACE INTO delivered (tenant, reply_id, delivered_at) VALUES (?, ?, ?)';
        sql.run(text, tenant, replyId, now);
      }),
    wasDelivered: (tenant, replyId) =>
      step(({ sql }) => {
        const text = 'SELECT 1 FROM delivered WHERE tenant = ? AND reply_id = ?';
        return sql.get(text, tenant, replyId) !== undefined;
      }),
    ...createLetterCalls(step),
  };
}

interface LetterRow {
  readonly tenant: string;
  readonly id: string;
  readonly died_at: number;
  readonly reason: string;
  readonly queue: string | null;
  readonly kind: string | null;
  readonly bytes: Uint8Array;
  readonly resubmitted: number;
}

const createLetterCalls = (
  step: DoStep,
): Pick<Store, 'putDeadLetter' | 'getDeadLetter' | 'listDeadLetters' | 'dropDeadLetter'> => ({
  putDeadLetter: (letter) => step((at) => put(at, letter)),
  getDeadLetter: (tenant, id) =>
    step(({ sql }) => {
      const row = sql.get<LetterRow>('SELECT * FROM dead_letters WHERE tenant = ? AND id = ?', tenant, id);
      return row && letterOf(row);
    }),
  async listDeadLetters(tenant, { limit, cursor }) {
    const below = checkLetterCursor(cursor);
    return step((at) => list(at, { tenant, limit, below }));
  },
  dropDeadLetter: (tenant, id) =>
    step(({ sql }) => sql.run('DELETE FROM dead_letters WHERE tenant = ? AND id = ?', tenant, id).changes === 1),
});

function put({ sql }: Step, letter: DeadLetter): void {
  const { tenant, id, diedAt, reason, queue, kind, bytes, resubmitted } = letter;
  sql.run(
    `INSERT OR REPLACE INTO dead_letters (tenant, id, died_at, reason, queue, kind, bytes, resubmitted)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[tenant, id, diedAt, reason, queue ?? null, kind ?? null, bytes, resubmitted],
  );
}

function list(
  { sql }: Step,
  { tenant, limit, below }: { readonly tenant: string; readonly limit: number; readonly below: string | undefined },
): DeadLetterPage {
  const [time, id] =
    below === undefined ? [Number.MAX_SAFE_INTEGER, ''] : [Number(below.slice(0, 16)), below.slice(timeLength)];
  const rows = sql.all<LetterRow>(
    `SELECT * FROM dead_letters WHERE tenant = ? AND (died_at, id) < (?, ?) ORDER BY died_at DESC, id DESC LIMIT ?`,
    ...[tenant, time, id, limit + 1],
  );
  const letters = rows.slice(0, limit).map(letterOf);
  const last = letters.at(-1);
  return { letters, ...(rows.length > limit && last && { cursor: letterPositionOf(last) }) };
}

const letterOf = ({ tenant, id, died_at: diedAt, reason, queue, kind, bytes, resubmitted }: LetterRow): DeadLetter => ({
  tenant,
  id,
  diedAt,
  reason,
  ...(queue !== null && { queue }),
  ...(kind !== null && { kind }),
  bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  resubmitted,
});
