import { hasCode, MoltError, type Principal, type ScheduleRecord } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { meantOf } from '../grammar/vocabulary.ts';
import { scheduleKey } from '../render/schedule-words.ts';
import { texts } from '../texts/texts.ts';

type Schedules = Pick<ChatContext, 'schedules'>;

/** Of a tenant so many are looked at, by id. */
export const lookAt = 1_000;
const perPage = 200;

/** The schedules of the principal's tenant, by id. `isCut`: there are more. */
export async function allSchedules(
  { schedules }: Schedules,
  principal: Principal,
): Promise<{ readonly found: readonly ScheduleRecord[]; readonly isCut: boolean }> {
  const found: ScheduleRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await schedules.list(principal, { limit: perPage, ...(cursor !== undefined && { cursor }) });
    found.push(...page.schedules);
    cursor = page.cursor;
  } while (cursor !== undefined && found.length < lookAt);
  return { found, isCut: cursor !== undefined };
}

/** The schedule of that id, or of that key of a button. @throws MOLT_NOT_FOUND saying which was probably meant, in the language of who asks */
export async function findSchedule(
  context: Schedules,
  { language }: Pick<Asker, 'language'>,
  { principal, schedule: id }: { readonly principal: Principal; readonly schedule: string },
): Promise<ScheduleRecord> {
  try {
    return await context.schedules.get(principal, id);
  } catch (error) {
    if (!hasCode(error, 'MOLT_NOT_FOUND')) throw error;
    const { found } = await allSchedules(context, principal);
    // A button holds no long id.
    const pressed = found.find((record) => record.id.length > id.length && scheduleKey(record.id) === id);
    if (pressed) return pressed;
    const { schedules: t } = texts(language);
    const ids = found.map((record) => record.id);
    const meant = ids.find((known) => known.toLowerCase() === id.toLowerCase()) ?? meantOf(id, ids);
    throw new MoltError('MOLT_NOT_FOUND', meant === undefined ? t.unknown(id) : t.meant(id, meant));
  }
}
