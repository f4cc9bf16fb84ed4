import { v7 } from 'uuid';

/** A new id: UUIDv7 (RFC 9562 §5.7), so ids sort by the time they were made. */
export const newId = (): string => v7();

/** The id of the `index`-th run (0-based) of a task: `<task id>.<index>`. Safe in file names, URLs and keys. */
export const runIdOf = (taskId: string, index: number): string => `${taskId}.${index}`;

/** The task a run belongs to. */
export const taskIdOf = (runId: string): string => runId.slice(0, runId.lastIndexOf('.'));

/** The place of a run in its task, 0-based. */
export const runIndexOf = (runId: string): number => Number(runId.slice(runId.lastIndexOf('.') + 1));
