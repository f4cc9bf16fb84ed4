import { joinChunks } from '../output-chunks.ts';
import type { AppendOutcome, OutputChunk, OutputSlice, OutputStream, RunToken, Store, TaskEvent } from '../port.ts';
import { type DoStep, type OpenTask, openTask, type RunRow, runRow, type Step, taskRow, writeRun } from './tables.ts';

type OutputCalls = Pick<Store, 'appendOutput' | 'readOutput' | 'tailOutput' | 'readEvents'>;

export function createOutputCalls(step: DoStep): OutputCalls {
  return {
    appendOutput: (token, at, chunks) => step((now) => append(now, { token, at, chunks })),
    readOutput: (tenant, runId, stream, from, maxBytes) =>
      step((at) => {
        const run = runRow(at.sql, tenant, runId);
        return run && slice(at, { run, stream, from, maxBytes });
      }),
    tailOutput: (tenant, runId, stream, maxBytes) =>
      step((at) => {
        const run = runRow(at.sql, tenant, runId);
        return run && slice(at, { run, stream, from: bytesOf(run, stream) - maxBytes, maxBytes });
      }),
    readEvents: (tenant, taskId, after, limit) => step((at) => events(at, { tenant, taskId, after, limit })),
  };
}

/** Stores chunks of a run and tells of them. Returns the run as the caller has to write it; the caller saves the task, too. */
export function storeOutput(
  { sql }: Step,
  task: OpenTask,
  { run, chunks }: { readonly run: RunRow; readonly chunks: readonly OutputChunk[] },
): RunRow {
  const bytes = { stdout: run.stdout_bytes, stderr: run.stderr_bytes };
  for (const { stream, data } of joinChunks(chunks)) {
    const offset = bytes[stream];
    bytes[stream] += data.length;
    const text = 'INSERT INTO output (tenant, run_id, stream, until, data) VALUES (?, ?, ?, ?, ?)';
    sql.run(text, run.tenant, run.id, stream, bytes[stream], data);
    task.emit({ kind: 'output', runId: run.id, stream, offset, length: data.length });
  }
  const hasOutput = bytes.stdout + bytes.stderr > 0 ? 1 : 0;
  return { ...run, stdout_bytes: bytes.stdout, stderr_bytes: bytes.stderr, has_output: hasOutput };
}

function append(
  step: Step,
  { token, at, chunks }: { token: RunToken; at: number; chunks: readonly OutputChunk[] },
): AppendOutcome {
  const run = runRow(step.sql, token.tenant, token.runId);
  const row = run && taskRow(step.sql, token.tenant, run.task_id);
  if (!row || run.fence !== token.fence || run.state !== 'running') return { kind: 'fenced' };
  const storedBytes = run.stdout_bytes + run.stderr_bytes;
  if (at !== storedBytes) return { kind: 'gap', storedBytes };
  const task = openTask(step, row);
  writeRun(step.sql, storeOutput(step, task, { run, chunks }));
  task.save();
  return { kind: 'ok' };
}

const bytesOf = (run: RunRow, stream: OutputStream): number =>
  stream === 'stdout' ? run.stdout_bytes : run.stderr_bytes;

function slice(
  { sql }: Step,
  given: { run: RunRow; stream: OutputStream; from: number; maxBytes: number },
): OutputSlice {
  const { run, stream, maxBytes } = given;
  const total = bytesOf(run, stream);
  const from = Math.min(total, Math.max(0, given.from));
  const rows = sql.all<{ until: number; data: Uint8Array }>(
    `SELECT until, data FROM output WHERE tenant = ? AND run_id = ? AND stream = ? AND until > ?
       AND until - length(data) < ? ORDER BY until`,
    ...[run.tenant, run.id, stream, from, from + maxBytes],
  );
  const [first] = rows;
  if (!first) return { data: Buffer.alloc(0), offset: maxBytes > 0 ? total : from, total };
  const start = first.until - first.data.length;
  const data = Buffer.concat(rows.map((row) => row.data)).subarray(from - start, from - start + maxBytes);
  return { data, offset: from, total };
}

function events(
  { sql }: Step,
  { tenant, taskId, after, limit }: { tenant: string; taskId: string; after: number; limit: number },
): TaskEvent[] {
  const text = 'SELECT seq, event FROM events WHERE tenant = ? AND task_id = ? AND seq > ? ORDER BY seq LIMIT ?';
  const rows = sql.all<{ seq: number; event: string }>(text, tenant, taskId, after, limit);
  return rows.map(({ seq, event }) => ({ seq, ...JSON.parse(event) }));
}
