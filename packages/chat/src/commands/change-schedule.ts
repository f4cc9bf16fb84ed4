import type { Occurrence, Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import type { ChatMessage } from '../message.ts';
import { fitMessage } from '../render/fit-message.ts';
import { occurrenceReason, scheduleButtons } from '../render/schedule-words.ts';
import { coarseMs } from '../render/task-words.ts';
import { beginPost, deferAnswer, respond } from '../respond.ts';
import { texts } from '../texts/texts.ts';
import { findSchedule } from './find-schedule.ts';

interface OfSchedule {
  readonly principal: Principal;
  readonly schedule: string;
}

/** Pauses or resumes a schedule, also one that a configuration declares. */
export async function steerSchedule(
  context: ChatContext,
  asker: Asker,
  { verb, ...wanted }: OfSchedule & { readonly verb: 'pause' | 'resume' },
): Promise<void> {
  const { id, paused } = await findSchedule(context, asker, wanted);
  const record = await context.schedules[verb](wanted.principal, id);
  const t = texts(asker.language);
  const { isPaused, wasPaused, isResumed, wasNotPaused, isDisabled } = t.schedules;
  const isNew = (paused === undefined) === (verb === 'pause');
  const said = verb === 'pause' ? (isNew ? isPaused(id) : wasPaused(id)) : isNew ? isResumed(id) : wasNotPaused(id);
  await respond(
    context,
    asker,
    fitMessage({
      tone: verb === 'pause' ? 'warning' : 'success',
      text: [said, ...(record.spec.enabled ? [] : [isDisabled])],
      buttons: scheduleButtons(record, t),
    }),
  );
}

/**
 * Runs a schedule once, beside its plan, and follows its task as if it had been asked for here; or asks, when it arrives long after it was
 * sent. One event makes one occurrence, whose id its task has.
 */
export async function fireSchedule(context: ChatContext, asker: Asker, wanted: OfSchedule): Promise<void> {
  const { incoming, since, language } = asker;
  const { id } = await findSchedule(context, asker, wanted);
  if (since - incoming.at > context.staleAfterMs) return respond(context, asker, staleMessage(asker, id));
  const answer = await deferAnswer(asker);
  // Of a message every delivery tells the same time; of a button not on every platform.
  const wishedAt = incoming.kind === 'press' ? since : incoming.at;
  const { at } = await context.schedules.run(wanted.principal, id, wishedAt);
  const occurrence = await untilFired(context, wanted.principal, { id, at });
  if (occurrence?.taskId !== undefined)
    return beginPost(context, asker, { kind: 'task', taskId: occurrence.taskId }, { answer });
  const { schedules: t } = texts(language);
  const reason = occurrence && occurrenceReason(occurrence, texts(language));
  const text = reason === undefined ? t.onItsWay(id) : t.notFired(id, reason);
  const message = fitMessage({ tone: reason === undefined ? 'neutral' : 'failure', text: [text] });
  await beginPost(context, asker, { kind: 'words', message }, { answer });
}

function staleMessage({ incoming, since, language }: Asker, id: string): ChatMessage {
  const t = texts(language);
  const ageMs = Math.max(0, since - incoming.at);
  return fitMessage({
    tone: 'warning',
    title: t.schedules.title(id),
    text: [t.questions.stale(t.duration(coarseMs(ageMs) ?? ageMs)), t.questions.staleWhy],
    buttons: [{ id: `fire:${id}`, label: t.buttons.runNow, style: 'primary' }],
  });
}

/** Whoever leads takes it up within a second; a take-over lasts longer, and is not waited for. Ms. */
const patienceMs = 5_000;
const lookEveryMs = 100;

/** The occurrence once it is fired or is not to be; as it stands when that takes long. */
async function untilFired(
  { store, clock, stopping }: ChatContext,
  { tenant }: Principal,
  { id, at }: { readonly id: string; readonly at: number },
): Promise<Occurrence | undefined> {
  const until = clock.monotonic() + patienceMs;
  for (;;) {
    const occurrence = await store.getOccurrence(tenant, id, at);
    const isOpen = occurrence?.state === 'waiting' || occurrence?.state === 'firing';
    if (!isOpen || clock.monotonic() > until || stopping.aborted) return occurrence;
    await clock.sleep(lookEveryMs, stopping).catch(() => {});
  }
}
