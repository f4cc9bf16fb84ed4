import { v5, v7 } from 'uuid';

/** A new id: UUIDv7 (RFC 9562 §5.7), so ids sort by the time they were made. */
export const newId = (): string => v7();

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
