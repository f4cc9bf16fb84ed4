import type { Bus } from '@moltbot/bus';
import { type Clock, type Envelope, isKind, type Logger, type Task } from '@moltbot/shared';

/** Knows of the cancels that a store has lost: the bus keeps what was broadcast. */
export interface ForgottenCancels {
  /** Whether the task was cancelled since it was accepted. @throws MOLT_BUS_DOWN */
  has(task: Task): Promise<boolean>;
}

/** The clocks of two doors may be apart by so much, ms. */
const doorsApartMs = 60_000;
/** And those of a door and of the bus: reading from too early costs time alone. */
const busApartMs = 3_600_000;
/** What was read is kept while it is asked for, ms. */
const keptMs = 60_000;
const saidEveryMs = 30_000;

interface Question {
  readonly task: Task;
  readonly answer: (isCancelled: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** What has been read: all from `since` (epoch ms) to where the reading ended. */
interface Known {
  readonly since: number;
  readonly after: number;
  /** Epoch ms by the clock of the door, of the last one for a task. */
  readonly cancelledAt: Map<string, number>;
}

/**
 * After a store was emptied, all that waits is asked about at once: those who come during one reading share the next, and a reading
 * goes on where the last one ended.
 */
export function createForgottenCancels({
  bus,
  clock,
  log,
}: {
  readonly bus: Pick<Bus, 'recall'>;
  readonly clock: Clock;
  readonly log: Logger;
}): ForgottenCancels {
  const waiting: Question[] = [];
  let known: Known | undefined;
  let isReading = false;
  let saidAt = Number.NEGATIVE_INFINITY;
  let forget: NodeJS.Timeout | undefined;

  const readFrom = async (since: number): Promise<Known> => {
    const before = known !== undefined && since >= known.since ? known : undefined;
    const cancelledAt = before?.cancelledAt ?? new Map<string, number>();
    const visit = (message: Envelope): void => {
      if (!isKind(message, 'cancel')) return;
      const key = keyOf(message.tenant, message.body.taskId);
      cancelledAt.set(key, Math.max(message.at, cancelledAt.get(key) ?? 0));
    };
    const after = await bus.recall(before ? { after: before.after } : { since }, visit);
    return { since: before?.since ?? since, after, cancelledAt };
  };
  const answer = async (questions: readonly Question[]): Promise<void> => {
    try {
      known = await readFrom(Math.min(...questions.map(({ task }) => task.acceptedAt)) - busApartMs);
      for (const question of questions) question.answer(isCancelled(question.task, known));
    } catch (err) {
      // Where it ended may be what cannot be read any more.
      known = undefined;
      if (clock.monotonic() - saidAt >= saidEveryMs) {
        saidAt = clock.monotonic();
        log.warn({ err }, 'what was cancelled cannot be read from the bus: runs whose record was lost wait for it');
      }
      for (const { fail } of questions) fail(err);
    }
  };
  const read = async (): Promise<void> => {
    isReading = true;
    clearTimeout(forget);
    while (waiting.length > 0) await answer(waiting.splice(0));
    isReading = false;
    forget = setTimeout(() => {
      known = undefined;
    }, keptMs).unref();
  };
  return {
    has: (task) =>
      new Promise((resolve, reject) => {
        waiting.push({ task, answer: resolve, fail: reject });
        if (!isReading) void read();
      }),
  };
}

/** An id may come again, with its idempotency key: what was said of the task before it is not about this one. */
const isCancelled = ({ id, principal, acceptedAt }: Task, { cancelledAt }: Known): boolean =>
  (cancelledAt.get(keyOf(principal.tenant, id)) ?? 0) >= acceptedAt - doorsApartMs;

const keyOf = (tenant: string, taskId: string): string => `${tenant} ${taskId}`;
