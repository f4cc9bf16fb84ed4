import type { Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { detailsToMessages } from '../render/details-to-messages.ts';
import { beginPost, deferAnswer, respondAll } from '../respond.ts';
import { texts } from '../texts/texts.ts';
import { findTask } from './find-task.ts';

interface Wanted {
  readonly principal: Principal;
  /** Its id, or the beginning of it. */
  readonly task: string;
}

/** A row of each run. */
export async function showDetails(context: ChatContext, asker: Asker, { principal, task }: Wanted): Promise<void> {
  const record = await findTask(context.store, principal, task);
  const runs = await context.store.getRuns(principal.tenant, record.task.id);
  await respondAll(context, asker, detailsToMessages({ task: record, runs, language: asker.language }));
}

/** The task as it stands, followed to its end as if it had been asked for here. */
export async function showTask(context: ChatContext, asker: Asker, { principal, task }: Wanted): Promise<void> {
  const record = await findTask(context.store, principal, task);
  const answer = await deferAnswer(asker);
  await beginPost(context, asker, { kind: 'task', taskId: record.task.id }, { answer });
}

/** All that it has printed so far, as a file. */
export async function showOutput(context: ChatContext, asker: Asker, { principal, task }: Wanted): Promise<void> {
  const { store } = context;
  const record = await findTask(store, principal, task);
  const { tenant } = principal;
  const runs = await store.getRuns(tenant, record.task.id);
  const isSilent = runs.every(({ stdoutBytes, stderrBytes }) => stdoutBytes + stderrBytes === 0);
  const t = texts(asker.language);
  const text = [isSilent ? t.task.noOutput : t.task.outputInFile];
  const message = { tone: 'neutral', text, footer: t.task.footer(record.task.id) } as const;
  const answer = await deferAnswer(asker);
  if (isSilent) return beginPost(context, asker, { kind: 'words', message }, { answer });
  await beginPost(context, asker, { kind: 'output', message, taskId: record.task.id }, { answer });
}
