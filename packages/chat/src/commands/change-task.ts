import { isFinal, MoltError, type Principal, type TaskRecord } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { hasFailed } from '../render/failures.ts';
import { respond } from '../respond.ts';
import { texts } from '../texts/texts.ts';
import { commandToRepeat } from './command-to-repeat.ts';
import { findTask } from './find-task.ts';
import { runCommand } from './run.ts';

interface OfTask {
  readonly principal: Principal;
  /** Its id, or the beginning of it. */
  readonly task: string;
}

/** Cancels a task; the message that shows it says what became of that. */
export async function cancelTask(context: ChatContext, asker: Asker, { principal, task }: OfTask): Promise<void> {
  const record = await findTask(context.store, principal, task);
  const t = texts(asker.language);
  const outcome = await context.intake.cancel(principal, record.task.id);
  const text = outcome.kind === 'requested' ? t.done.cancelling : t.done.ended;
  await respond(context, asker, { tone: 'neutral', text: [text], footer: t.task.footer(record.task.id) });
}

/**
 * Runs a task again as it was asked for, on all of its targets or on those where it failed; or asks first, as of any command. One event
 * makes one new task.
 */
export async function rerunTask(
  context: ChatContext,
  asker: Asker,
  { principal, task, failed }: OfTask & { readonly failed: boolean },
): Promise<void> {
  const record = await findTask(context.store, principal, task);
  const on = failed ? await failedTargets(context, record) : record.task.on;
  await runCommand(context, asker, { command: commandToRepeat(context.intake, record, on), principal });
}

async function failedTargets({ store }: ChatContext, { task, state }: TaskRecord): Promise<string> {
  if (!isFinal(state)) throw new MoltError('MOLT_BAD_REQUEST', 'the task has not ended: cancel it, or wait');
  const runs = await store.getRuns(task.principal.tenant, task.id);
  const names = runs.filter(hasFailed).map(({ target }) => target);
  if (names.length === 0) throw new MoltError('MOLT_BAD_REQUEST', 'none of its runs failed');
  return names.join(',');
}
