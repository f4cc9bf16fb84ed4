import { type Reply, type RunCounts, type RunRecord, runStates } from '@moltbot/shared';

/** Runs that one post tells of; the link leads to the others. */
const runsAtMost = 1_000;

/**
 * The body of a post: UTF-8 JSON. The same reply and the same runs give the same bytes, whoever posts it.
 * @param runs in order of index; left out when there are none: the store does not know them any more, or not now
 */
export function replyToBody(reply: Reply, runs: readonly RunRecord[]): Buffer {
  const { task, state, counts, finishedAt } = reply;
  const rest = runs.length - runsAtMost;
  const data = {
    ...{ id: task.id, state, action: task.action, on: task.on },
    acceptedAt: isoTime(task.acceptedAt),
    finishedAt: isoTime(finishedAt),
    counts: inOneOrder(counts),
    runs: runs.length > 0 ? runs.slice(0, runsAtMost).map(runToData) : undefined,
    more: rest > 0 ? rest : undefined,
    links: { self: `/v1/tasks/${task.id}` },
  };
  return Buffer.from(JSON.stringify({ type: 'task.ended', timestamp: isoTime(finishedAt), data }));
}

function runToData(run: RunRecord): object {
  const { id, target, state, exitCode, signal, error, stdoutBytes, stderrBytes, attempts } = run;
  return {
    ...{ id, target, state, exitCode, signal },
    error: error && { code: error.code, message: error.message },
    ...{ stdoutBytes, stderrBytes, attempts },
    startedAt: run.startedAt === undefined ? undefined : isoTime(run.startedAt),
    finishedAt: run.finishedAt === undefined ? undefined : isoTime(run.finishedAt),
  };
}

/** Two publishers of one reply may have counted in different orders. */
const inOneOrder = (counts: RunCounts): RunCounts =>
  Object.fromEntries(runStates.flatMap((state) => (counts[state] === undefined ? [] : [[state, counts[state]]])));

const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
