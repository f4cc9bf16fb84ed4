import {
  type AttemptNote,
  type JsonValue,
  type Resolution,
  RunError,
  type RunRecord,
  type RunState,
  runStates,
} from '@moltbot/shared';
import type { OutputStream } from '@moltbot/store';
import { z } from 'zod';
import type { TaskReader } from './context.ts';
import { isoTime, time } from './time.ts';
import { decodeTail } from './utf8.ts';

/** An attempt that another followed. Times are ISO-8601, UTC. */
export interface AttemptView extends Omit<AttemptNote, 'endedAt'> {
  readonly endedAt: string;
}

/** What a person found out about a run that ended unknown. */
export interface ResolutionView extends Omit<Resolution, 'at'> {
  readonly at: string;
}

/** One run as HTTP shows it. */
export interface RunView {
  readonly id: string;
  readonly target: string;
  readonly state: RunState;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly error?: RunError | undefined;
  readonly data?: JsonValue | undefined;
  readonly dataOmitted?: true | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly truncated?: true | undefined;
  readonly attempts: number;
  readonly history?: readonly AttemptView[] | undefined;
  readonly retryAt?: string | undefined;
  readonly resolution?: ResolutionView | undefined;
  readonly startedAt?: string | undefined;
  readonly finishedAt?: string | undefined;
}

export const resolvedAs: z.ZodType<Resolution['as'], Resolution['as']> = z.enum(['done', 'rerun']);

const bytes = z.int().describe('Bytes of the whole stream.');

const Attempt: z.ZodType<AttemptView> = z.object({
  attempt: z.int(),
  error: RunError,
  endedAt: time,
  stdoutBytes: z.int().describe('Where the stream stood: what follows is of the next attempt.'),
  stderrBytes: z.int(),
});

const ResolutionView: z.ZodType<ResolutionView> = z.object({
  as: resolvedAs,
  by: z.string().describe('Id of the principal.'),
  at: time,
  note: z.string().optional(),
  taskId: z.string().optional().describe('The task that does it again.'),
});

/** JSON of any kind: what it is depends on the action. */
export const runData: z.ZodType<JsonValue> = z
  .custom<JsonValue>()
  .meta({ description: 'What the action gave as data; GET /v1/actions shows what that is.' });

export const RunView: z.ZodType<RunView> = z.object({
  id: z.string(),
  target: z.string(),
  state: z.enum(runStates),
  exitCode: z.int().optional(),
  signal: z.string().optional().describe('Name without SIG, such as TERM.'),
  error: RunError.optional(),
  data: runData.optional(),
  dataOmitted: z
    .literal(true)
    .optional()
    .describe('It has data, and there are too many runs to show it here: read /v1/tasks/{id}/data.'),
  stdout: z.string().describe('The last 64 KiB as UTF-8, less when the task has many runs.'),
  stderr: z.string().describe('As stdout.'),
  stdoutBytes: bytes,
  stderrBytes: bytes,
  truncated: z.literal(true).optional().describe('Output beyond the cap was dropped.'),
  attempts: z.int(),
  history: z.array(Attempt).optional().describe('The attempts before this one, where there were any.'),
  retryAt: time.optional().describe('When the next attempt is made, while it waits for it.'),
  resolution: ResolutionView.optional().describe('Of a run that ended unknown: what a person found out.'),
  startedAt: time.optional(),
  finishedAt: time.optional(),
});

export interface RunRead {
  readonly tenant: string;
  readonly run: RunRecord;
  /** Bytes from the end of each stream. */
  readonly tail: number;
  /** Data of more bytes as JSON is left out. */
  readonly dataBytes: number;
}

/** A run with the end of its output. @throws MOLT_STORE_DOWN */
export async function readRunView(store: TaskReader, { tenant, run, tail, dataBytes }: RunRead): Promise<RunView> {
  const end = async (stream: OutputStream, size: number): Promise<string> => {
    const slice = size > 0 ? await store.tailOutput(tenant, run.id, stream, tail) : undefined;
    return slice ? decodeTail(slice.data, slice.offset > 0) : '';
  };
  const [stdout, stderr] = await Promise.all([end('stdout', run.stdoutBytes), end('stderr', run.stderrBytes)]);
  const { id, target, state, exitCode, signal, error, stdoutBytes, stderrBytes, attempts } = run;
  return {
    ...{ id, target, state, exitCode, signal, error, stdout, stderr, stdoutBytes, stderrBytes, attempts },
    ...(run.data !== undefined &&
      (bytesOf(run.data) > dataBytes ? { dataOmitted: true as const } : { data: run.data })),
    ...(run.truncated && { truncated: true as const }),
    ...(run.history.length > 0 && { history: run.history.map(toAttemptView) }),
    ...(run.retryAt !== undefined && { retryAt: isoTime(run.retryAt) }),
    ...(run.resolution && { resolution: { ...run.resolution, at: isoTime(run.resolution.at) } }),
    ...(run.startedAt !== undefined && { startedAt: isoTime(run.startedAt) }),
    ...(run.finishedAt !== undefined && { finishedAt: isoTime(run.finishedAt) }),
  };
}

/** As JSON, UTF-8. */
export const bytesOf = (data: JsonValue): number => Buffer.byteLength(JSON.stringify(data));

const toAttemptView = (note: AttemptNote): AttemptView => ({ ...note, endedAt: isoTime(note.endedAt) });
