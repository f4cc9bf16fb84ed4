import { type Clock, isFinal, type RunRecord, type TaskRecord } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { PlatformLimits } from '../platform.ts';
import type { OutputTail } from '../render/output-view.ts';
import { isOutputCut, type TaskView, taskToMessage } from '../render/task-to-message.ts';
import { outputToFile } from './output-to-file.ts';
import type { Post } from './post.ts';
import type { Posts } from './posts.ts';
import type { Subject } from './subject.ts';

export interface TaskSubjectDeps {
  readonly store: Pick<Store, 'getTask' | 'getRuns' | 'tailOutput' | 'readOutput' | 'watchEnd'>;
  readonly limits: PlatformLimits;
  readonly clock: Pick<Clock, 'now'>;
  readonly posts: Pick<Posts, 'get'>;
}

/** UTF-8 needs at most so many bytes for a character that counts as one. */
const bytesPerCharacter = 3;
/** Of a task that the store has forgotten: after so long nobody tells of it any more. */
const replyWithinMs = 7 * 86_400_000;
/** Of each of several runs, and of how many of them. */
const ofMany = { bytes: 2_048, runs: 200 } as const;

/** A task of a post, as the store has it; what its reply said when the store has forgotten it. */
export function createTaskSubject(deps: TaskSubjectDeps, post: Post, taskId: string, ended?: TaskRecord): Subject {
  const { store, limits, clock, posts } = deps;
  const { tenant, language } = post;
  const tails = createTails(deps, tenant);
  /** A reply that came since may have told. */
  const endOf = async (): Promise<TaskRecord | undefined> => {
    const newest = (await posts.get(tenant, post.id))?.post.subject;
    return newest?.kind === 'task' ? newest.ended : undefined;
  };
  const view = async (): Promise<TaskView | undefined> => {
    const known = await store.getTask(tenant, taskId);
    const task = known ?? ended ?? (await endOf());
    if (!task) return undefined;
    const runs = known ? await store.getRuns(tenant, taskId) : [];
    // It may have ended between the two: what is told must not be half of it.
    const hasEnded = !isFinal(task.state) && runs.length > 0 && runs.every(({ state }) => isFinal(state));
    const newest = hasEnded ? await store.getTask(tenant, taskId) : undefined;
    return { task: newest ?? task, runs, tails: await tails(runs), language, limits, now: clock.now() };
  };
  return {
    async look() {
      const seen = await view();
      if (seen) return { message: taskToMessage(seen), isFinal: isFinal(seen.task.state) };
      // Its reply is still to come, and says how it ended.
      const isLost = clock.now() - post.createdAt > replyWithinMs;
      return { message: { tone: isLost ? 'neutral' : 'working', footer: taskId }, isFinal: isLost };
    },
    watch: (wake) => store.watchEnd(tenant, taskId, wake),
    async files() {
      const seen = await view();
      if (!seen || seen.runs.length === 0 || !isOutputCut(seen)) return [];
      const { task, runs } = seen;
      return [() => outputToFile(store, { tenant, task, runs, maxBytes: limits.fileBytes })];
    },
  };
}

/** The ends of outputs. Those of runs that have ended are read once. */
function createTails({ store, limits }: TaskSubjectDeps, tenant: string) {
  const known = new Map<string, OutputTail>();
  const read = async ({ id, stdoutBytes, stderrBytes }: RunRecord, bytes: number): Promise<OutputTail> => {
    const tail = async (stream: 'stdout' | 'stderr', total: number): Promise<string> =>
      total === 0 ? '' : ((await store.tailOutput(tenant, id, stream, bytes))?.data.toString('utf8') ?? '');
    const [stdout, stderr] = [await tail('stdout', stdoutBytes), await tail('stderr', stderrBytes)];
    return { stdout, stderr, total: stdoutBytes + stderrBytes };
  };
  return async (runs: readonly RunRecord[]): Promise<ReadonlyMap<string, OutputTail>> => {
    const isAlone = runs.length === 1;
    const bytes = isAlone ? limits.tailCharacters * bytesPerCharacter : ofMany.bytes;
    const found = new Map<string, OutputTail>();
    for (const run of runs.slice(0, ofMany.runs)) {
      const isOver = isFinal(run.state);
      // Of many that run at once only what has ended says something.
      if (!isOver && !isAlone) continue;
      const tail = known.get(run.id) ?? (await read(run, bytes));
      if (isOver) known.set(run.id, tail);
      found.set(run.id, tail);
    }
    return found;
  };
}
