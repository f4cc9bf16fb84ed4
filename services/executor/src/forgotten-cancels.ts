import type { Bus } from '@moltbot/bus';
import { isKind, type Task } from '@moltbot/shared';

/** Knows of the cancels that a store has lost: the bus keeps what was broadcast. */
export interface ForgottenCancels {
  /** Whether the task was cancelled since it was accepted. @throws MOLT_BUS_DOWN */
  has(task: Task): Promise<boolean>;
}

/** The clock of the door and that of the bus may be apart by so much. */
const skewMs = 60_000;

interface Question {
  readonly task: Task;
  readonly answer: (isCancelled: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** After a store was emptied, all that waits is asked about at once: those who come during one reading share the next. */
export function createForgottenCancels(bus: Pick<Bus, 'recall'>): ForgottenCancels {
  const waiting: Question[] = [];
  let isReading = false;

  const answer = async (questions: readonly Question[]): Promise<void> => {
    try {
      const since = Math.min(...questions.map(({ task }) => task.acceptedAt)) - skewMs;
      const cancelled = new Set((await bus.recall(since)).filter((message) => isKind(message, 'cancel')).map(keyOf));
      for (const { task, answer } of questions)
        answer(cancelled.has(keyOf({ tenant: task.principal.tenant, body: { taskId: task.id } })));
    } catch (error) {
      for (const { fail } of questions) fail(error);
    }
  };
  const read = async (): Promise<void> => {
    isReading = true;
    while (waiting.length > 0) await answer(waiting.splice(0));
    isReading = false;
  };
  return {
    has: (task) =>
      new Promise((resolve, reject) => {
        waiting.push({ task, answer: resolve, fail: reject });
        if (!isReading) void read();
      }),
  };
}

const keyOf = ({ tenant, body }: { readonly tenant: string; readonly body: { readonly taskId: string } }): string =>
  `${tenant} ${body.taskId}`;
