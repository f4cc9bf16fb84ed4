import { randomFillSync } from 'node:crypto';
import { v5, v7 } from 'uuid';

/** Random bytes are drawn for many ids at once: a system call for each would be most of what an id costs. */
const pool = Buffer.alloc(256 * 16);
let drawn = pool.length;
/** When the last id was made, and its counter (RFC 9562 §6.2, method 1): ids of one millisecond sort as they were made. */
let lastMs = 0;
let counter = 0;

/** A new id: UUIDv7 (RFC 9562 §5.7), so ids sort by the time they were made. */
export function newId(): string {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const random = pool.subarray(drawn, drawn + 16);
  drawn += 16;
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // Half of its range is left for the ids that follow.
    counter = random.readUInt32BE(6) >>> 1;
  } else counter += 1;
  return v7({ random, msecs: lastMs, seq: counter });
}

/** A namespace of our own, as RFC 9562 §5.5 asks for. */
const namespace = '01a2048b-b715-72ed-b15a-fe262c1255e9';

/** The same id for the same words, always: UUIDv5. */
export const idFrom = (...words: readonly string[]): string => v5(JSON.stringify(words), namespace);

/** The id of the `index`-th run (0-based) of a task: `<task id>.<index>`. Safe in file names, URLs and keys. */
export const runIdOf = (taskId: string, index: number): string => `${taskId}.${index}`;

/** The task a run belongs to. */
export const taskIdOf = (runId: string): string => runId.slice(0, runId.lastIndexOf('.'));

/** The place of a run in its task, 0-based. */
export const runIndexOf = (runId: string): number => Number(runId.slice(runId.lastIndexOf('.') + 1));
