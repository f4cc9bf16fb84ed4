import type { JournalEntry, MessageJournal } from '@moltbot/shared';
import type { Database } from './database.ts';

interface MessageRow {
  readonly seq: number;
  readonly queue: string;
  readonly message_id: string;
  readonly bytes: Uint8Array;
  readonly deliveries: number;
  readonly not_before: number;
  readonly reason: string | null;
}

/** The embedded bus's messages, in the store's own file. Every call rejects with MOLT_STORE_DOWN when the file cannot be used. */
export function createJournal(database: Database): MessageJournal {
  const insert = 'INSERT INTO messages (queue, message_id, bytes, not_before, reason) VALUES (?, ?, ?, ?, ?)';
  return {
    append: ({ queue, messageId, bytes, notBefore, reason }) =>
      database.step((sql) => sql.run(insert, queue, messageId, bytes, notBefore, reason ?? null).lastId),
    delivered: (seq) =>
      database.step((sql) => void sql.run('UPDATE messages SET deliveries = deliveries + 1 WHERE seq = ?', seq)),
    move: (seq, { queue, notBefore, reason }) =>
      database.step((sql) => {
        const text = 'UPDATE messages SET queue = ?, not_before = ?, reason = ?, deliveries = 0 WHERE seq = ?';
        sql.run(text, queue, notBefore, reason ?? null, seq);
      }),
    remove: (seq) => database.step((sql) => void sql.run('DELETE FROM messages WHERE seq = ?', seq)),
    read: (queue, after, limit) =>
      database.step((sql) => {
        const text = 'SELECT * FROM messages WHERE queue = ? AND seq > ? ORDER BY seq LIMIT ?';
        return sql.all<MessageRow>(text, queue, after, limit).map(entryOf);
      }),
    count: (queue) =>
      database.step((sql) => {
        const row = sql.get<{ n: number }>('SELECT count(*) AS n FROM messages WHERE queue = ?', queue);
        return row?.n ?? 0;
      }),
  };
}

const entryOf = (row: MessageRow): JournalEntry => ({
  seq: row.seq,
  queue: row.queue,
  messageId: row.message_id,
  bytes: bufferOf(row.bytes),
  deliveries: row.deliveries,
  notBefore: row.not_before,
  reason: row.reason ?? undefined,
});

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
