import { isDeepStrictEqual } from 'node:util';
import { MoltError, type Occurrence, type Principal, type ScheduleSpec } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import type { RunCommand } from '../grammar/command.ts';
import type { ChatMessage } from '../message.ts';
import type { PostSubject } from '../posts/post.ts';
import type { Question } from '../questions/question.ts';
import { fitMessage } from '../render/fit-message.ts';
import { occurrenceReason, scheduleButtons, scheduleKey } from '../render/schedule-words.ts';
import { coarseMs } from '../render/task-words.ts';
import { beginPost, deferAnswer, respond } from '../respond.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { findSchedule } from './find-schedule.ts';
import { ask, confirmationOf } from './run.ts';

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
  // Others may have paused or resumed it since.
  if (isStale(context, asker)) return respond(context, asker, staleMessage(asker, id, verb));
  const record = await context.schedules[verb](wanted.principal, id);
  const t = texts(asker.language);
  const { isPaused, wasPaused, isResumed, wasNotPaused, isDisabled } = t.schedules;
  // Done again after a crash it is the same pause.
  const isOurs = paused?.by === wanted.principal.id && paused.at >= asker.since;
  const isNew = verb === 'pause' ? paused === undefined || isOurs : paused !== undefined;
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
 * sent, or when the action of the schedule wants that. One event makes one occurrence, whose id its task has.
 */
export async function fireSchedule(context: ChatContext, asker: Asker, wanted: OfSchedule): Promise<void> {
  const { incoming, since } = asker;
  const { principal } = wanted;
  const { id, spec } = await findSchedule(context, asker, wanted);
  const kind = confirmationOf(context, spec.task.action);
  if (kind) return ask(context, asker, { command: commandOf(spec), schedule: id, principal, kind });
  if (isStale(context, asker)) return respond(context, asker, staleMessage(asker, id, 'fire'));
  const answer = await deferAnswer(asker);
  // Of a message every delivery tells the same time; of a button not on every platform.
  const wishedAt = incoming.kind === 'press' ? since : incoming.at;
  await beginPost(context, asker, await runOnce(context, principal, { id, wishedAt, language: asker.language }), {
    answer,
  });
}

/** Runs the schedule of a question that was decided. Repeated, it comes to the same. @throws MOLT_NOT_FOUND, MOLT_BAD_REQUEST when it was changed */
export async function fireAsked(context: ChatContext, question: Question, id: string): Promise<void> {
  const { store, posts, clock } = context;
  const { tenant, place, principal, language, message: replyTo, sentAt } = question;
  const isRun = (await store.getOccurrence(tenant, id, sentAt))?.kind === 'manual';
  // Who decided has seen what it was then.
  if (!isRun && !isSame(commandOf((await context.schedules.get(principal, id)).spec), question.command))
    throw new MoltError('MOLT_BAD_REQUEST', `the schedule "${id}" was changed after it was asked about`);
  const subject = await runOnce(context, principal, { id, wishedAt: sentAt, language });
  await posts.begin({
    ...{ id: `fired-${question.id}`, tenant, place, language, replyTo, subject, createdAt: clock.now() },
    ...{ messages: [], files: 0 },
  });
}

const commandOf = ({ task }: ScheduleSpec): RunCommand => ({ verb: 'run', ...task });

/** As the store gives them: without what is undefined. */
const isSame = (a: RunCommand, b: RunCommand): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));

interface Wish {
  readonly id: string;
  /** Epoch ms. */
  readonly wishedAt: number;
  readonly language: Language;
}

/** @returns what the answer is about: its task, or why there is none */
async function runOnce(
  context: ChatContext,
  principal: Principal,
  { id, wishedAt, language }: Wish,
): Promise<PostSubject> {
  const { at } = await context.schedules.run(principal, id, wishedAt);
  const occurrence = await untilFired(context, principal, { id, at });
  if (occurrence?.taskId !== undefined) return { kind: 'task', taskId: occurrence.taskId };
  const t = texts(language);
  const reason = occurrence && occurrenceReason(occurrence, t);
  const text = reason === undefined ? t.schedules.onItsWay(id) : t.schedules.notFired(id, reason);
  return { kind: 'words', message: fitMessage({ tone: reason === undefined ? 'neutral' : 'failure', text: [text] }) };
}

const isStale = ({ staleAfterMs }: ChatContext, { incoming, since }: Asker): boolean =>
  since - incoming.at > staleAfterMs;

function staleMessage(
  { incoming, since, language }: Asker,
  id: string,
  verb: 'fire' | 'pause' | 'resume',
): ChatMessage {
  const t = texts(language);
  const ageMs = Math.max(0, since - incoming.at);
  const age = t.duration(coarseMs(ageMs) ?? ageMs);
  return fitMessage({
    tone: 'warning',
    title: t.schedules.title(id),
    text: [verb === 'fire' ? t.questions.stale(age) : t.schedules.stale(age), t.questions.staleWhy],
    buttons: [
      { id: `${verb}:${scheduleKey(id)}`, label: t.buttons[verb === 'fire' ? 'runNow' : verb], style: 'primary' },
    ],
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
