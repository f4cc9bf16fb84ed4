import type { Planned } from '@moltbot/schedules';
import { hasCode, type Occurrence, type Principal, type ScheduleRecord } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { messageLimits } from '../render/message-limits.ts';
import { scheduleToMessage } from '../render/schedule-to-message.ts';
import type { OccurrenceView, ScheduleRow } from '../render/schedule-words.ts';
import { schedulesToMessage } from '../render/schedules-to-message.ts';
import { whatRuns } from '../render/task-words.ts';
import { respond } from '../respond.ts';
import { allSchedules, findSchedule, lookAt } from './find-schedule.ts';

/** Among so many of the next instants one is looked for that is run. */
const nextAtMost = 20;
const shown = { next: 3, occurrences: 5 } as const;

/** The schedules of the tenant that have all of the words in what is written of them. */
export async function listSchedules(
  context: ChatContext,
  asker: Asker,
  { principal, words }: { readonly principal: Principal; readonly words?: string | undefined },
): Promise<void> {
  const { found, isCut } = await allSchedules(context, principal);
  const wanted = (words ?? '').toLowerCase().split(/\s+/);
  const fitting = found.filter((record) => wanted.every((word) => textOf(record).includes(word)));
  const rows: ScheduleRow[] = [];
  for (const record of fitting.slice(0, messageLimits.rows)) rows.push(await rowOf(context, principal, record));
  const view = { rows, count: fitting.length, words, cutAt: isCut ? lookAt : undefined };
  const { language } = asker;
  await respond(context, asker, schedulesToMessage({ ...view, language, now: context.clock.now() }));
}

const textOf = ({ id, spec }: ScheduleRecord): string =>
  [id, spec.description, spec.owner, spec.when, spec.timezone, spec.task.action, spec.task.on, whatRuns(spec.task, 500)]
    .join('\n')
    .toLowerCase();

async function rowOf(context: ChatContext, principal: Principal, record: ScheduleRecord): Promise<ScheduleRow> {
  const isActive = record.spec.enabled && !record.paused;
  const planned = isActive ? await nextOf(context, principal, record.id, nextAtMost) : [];
  const [last] = await occurrencesOf(context, principal, record.id, 1);
  return { record, next: planned.find(({ skip }) => !skip)?.at, last };
}

/** A schedule: what it runs, when it does next, and what became of it. */
export async function showSchedule(
  context: ChatContext,
  asker: Asker,
  wanted: { readonly principal: Principal; readonly schedule: string },
): Promise<void> {
  const { principal } = wanted;
  const record = await findSchedule(context, asker, wanted);
  const next = record.spec.enabled ? await nextOf(context, principal, record.id, shown.next) : [];
  const occurrences = await occurrencesOf(context, principal, record.id, shown.occurrences);
  const { language } = asker;
  await respond(context, asker, scheduleToMessage({ record, next, occurrences, language, now: context.clock.now() }));
}

/** Nothing where this process does not know its calendars: they were changed since it was started. */
async function nextOf(
  { schedules }: ChatContext,
  principal: Principal,
  id: string,
  count: number,
): Promise<readonly Planned[]> {
  try {
    return await schedules.next(principal, id, count);
  } catch (error) {
    if (hasCode(error, 'MOLT_BAD_SCHEDULE') || hasCode(error, 'MOLT_NOT_FOUND')) return [];
    throw error;
  }
}

/** The newest, each with how its task stands. */
async function occurrencesOf(
  { schedules, store }: ChatContext,
  principal: Principal,
  id: string,
  limit: number,
): Promise<readonly OccurrenceView[]> {
  const { occurrences } = await schedules.occurrences(principal, id, { limit });
  const viewOf = async (occurrence: Occurrence): Promise<OccurrenceView> => {
    const { outcome, taskId } = occurrence;
    if (outcome !== undefined || taskId === undefined) return { ...occurrence, taskState: outcome };
    return { ...occurrence, taskState: (await store.getTask(principal.tenant, taskId))?.state };
  };
  return Promise.all(occurrences.map(viewOf));
}
