import type { RunCounts, RunRecord, RunState, Task, TaskRecord } from '@moltbot/shared';
import { runIdOf, taskStateOf } from '@moltbot/shared';
import type { ChatMessage } from '../src/message.ts';
import type { OutputTail } from '../src/render/output-view.ts';
import type { TaskView } from '../src/render/task-view.ts';

export const taskId = '0197f3a2-1c2d-7abc-8def-0123456789ab';
/** 2026-07-01 08:00 UTC */
export const acceptedAt = 1_782_892_800_000;

const task: Task = {
  ...{ id: taskId, action: 'shell.run', args: { command: 'uptime' }, on: 'web-*', priority: 'interactive' },
  limits: { connectMs: 1, idleMs: 0, totalMs: 1, queueMs: 0, deadlineMs: 0, outputBytes: 1 },
  ...{
    class: 'guarded',
    retries: 0,
    principal: { tenant: 'acme', id: 'user:ann' },
    acceptedAt,
    trace: 'trace',
    runs: 1,
  },
  origin: { kind: 'http', requestId: 'r' },
};

export function runOf(
  index: number,
  state: RunState,
  rest: Partial<RunRecord> & { readonly out?: string } = {},
): RunRecord {
  const { out = '', ...record } = rest;
  return {
    ...{
      id: runIdOf(taskId, index),
      index,
      target: `web-${index + 1}`,
      state,
      attempts: 1,
      truncated: false,
      history: [],
    },
    ...{ stdoutBytes: Buffer.byteLength(out), stderrBytes: 0, startedAt: acceptedAt, finishedAt: acceptedAt + 3_200 },
    ...record,
  };
}

export interface ViewOptions extends Partial<Pick<TaskView, 'language' | 'limits' | 'now'>> {
  readonly task?: Partial<Task>;
  readonly cancelRequested?: boolean;
  readonly counts?: RunCounts;
}

/** A view of a task that consists of these runs. */
export function viewOf(
  runs: readonly RunRecord[],
  tails: Readonly<Record<number, Partial<OutputTail>>>,
  { task: changes = {}, cancelRequested = false, counts = countsOf(runs), ...rest }: ViewOptions = {},
): TaskView {
  const record: TaskRecord = {
    ...{ task: { ...task, runs: runs.length, ...changes }, state: taskStateOf(counts), counts, cancelRequested },
  };
  return {
    ...{ task: record, runs, language: 'en', limits: { tailCharacters: 300, hasAnsi: true }, now: acceptedAt + 60_000 },
    tails: new Map(
      Object.entries(tails).map(([index, { stdout = '', stderr = '', total }]) => [
        runIdOf(taskId, Number(index)),
        { stdout, stderr, total: total ?? Buffer.byteLength(stdout) + Buffer.byteLength(stderr) },
      ]),
    ),
    ...rest,
  };
}

function countsOf(runs: readonly RunRecord[]): RunCounts {
  const counts: Partial<Record<RunState, number>> = {};
  for (const { state } of runs) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** A message as a person reads it. */
export function shown({ tone, title, text, fields, code, table, links, buttons, footer }: ChatMessage): string {
  const rows = table ? [table.head, ...table.rows].map((row) => `| ${row.join(' | ')} |`) : [];
  return [
    `(${tone})${title === undefined ? '' : ` ${title}`}`,
    ...(text ?? []),
    ...(fields ?? []).map(({ name, value }) => `${name} = ${value}`),
    ...rows,
    ...(code ?? []).flatMap(({ label, text: lines }) => [`--- ${label ?? ''}`, lines, '---']),
    ...(links ?? []).map((link) => `${link.title} -> ${link.url}`),
    ...(buttons ?? []).map(({ id, label, style }) => `[${label}] ${style} ${id.replace(taskId, 'ID')}`),
    ...(footer === undefined ? [] : [`_${footer}_`]),
  ].join('\n');
}
