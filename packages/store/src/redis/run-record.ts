import {
  type AttemptNote,
  type RunOutcome,
  type RunRecord,
  type RunState,
  runIdOf,
  type Target,
} from '@moltbot/shared';

/** Fields of a run's hash, in the order in which `runRecordOf` reads them. */
export const runFields: readonly string[] = [
  ...['state', 'index', 'target', 'attempts', 'worker', 'exit', 'signal', 'error', 'truncated', 'stdout', 'stderr'],
  ...['started', 'finished', 'history', 'retry-at', 'resolution', 'data'],
];

/** An empty text is a value that is not there. */
const ifAny = <T>(text: string | null | undefined, read: (text: string) => T): T | undefined =>
  text ? read(text) : undefined;

/** The values of `runFields` as a record. */
export function runRecordOf(taskId: string, fields: readonly (string | null)[]): RunRecord {
  const [state, index, target, attempts, worker, exit, signal, error, truncated, ...more] = fields;
  const [stdout, stderr, started, finished, history, retryAt, resolution, data] = more;
  return {
    id: runIdOf(taskId, Number(index)),
    index: Number(index),
    target: ifAny(target, (json): Target => JSON.parse(json))?.name ?? '',
    state: state as RunState,
    attempts: Number(attempts ?? 0),
    worker: worker ?? undefined,
    exitCode: ifAny(exit, Number),
    signal: ifAny(signal, String),
    error: ifAny(error, JSON.parse),
    truncated: truncated === '1',
    data: ifAny(data, JSON.parse),
    history: ifAny(history, (json): readonly AttemptNote[] => JSON.parse(json)) ?? [],
    retryAt: state === 'queued' ? ifAny(retryAt, Number) : undefined,
    resolution: ifAny(resolution, JSON.parse),
    stdoutBytes: Number(stdout ?? 0),
    stderrBytes: Number(stderr ?? 0),
    startedAt: ifAny(started, Number),
    finishedAt: ifAny(finished, Number),
  };
}

/** What the event of a final state says beside the state, as JSON members to put behind the others. */
export function eventMore({ exitCode, signal, error }: RunOutcome): string {
  const members = JSON.stringify({ exitCode, signal, errorCode: error?.code }).slice(1, -1);
  return members && `,${members}`;
}
