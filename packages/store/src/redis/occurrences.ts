import type { Occurrence } from '@moltbot/shared';
import type { DecideOutcome, OccurrenceQuery, OpenOccurrence, ScheduleStore } from '../schedules-port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { scheduleScripts as scripts } from './lua/schedule-scripts.ts';
import { scheduleKeys } from './schedules.ts';

type OccurrenceCalls = Pick<
  ScheduleStore,
  | 'decideOccurrences'
  | 'moveOccurrence'
  | 'reopenOccurrence'
  | 'endOccurrence'
  | 'getOccurrence'
  | 'listOccurrences'
  | 'listOpenOccurrences'
>;

type Moved = 'ok' | 'illegal' | 'absent';

export function createOccurrenceCalls(client: RedisClient): OccurrenceCalls {
  return {
    async decideOccurrences({ tenant, scheduleId, revision, epoch, cursor, occurrences }) {
      const rows = occurrences.flatMap((occurrence) => [String(occurrence.at), JSON.stringify(occurrence)]);
      const args = [scheduleId, revision, epoch, cursor ?? 0, ...rows];
      const reply = (await client.run(scripts.decide, scheduleKeys(tenant, scheduleId), args)) as (string | number)[];
      const [kind, ...taken] = reply;
      if (kind !== 'ok') return { kind } as DecideOutcome;
      return { kind, taken: taken.map((made) => made === 1) };
    },
    async moveOccurrence({ tenant, scheduleId, at, from = '', to, follow = false }) {
      const { state, reason = '', note = '', taskId = '' } = to;
      const args = [scheduleId, String(at), state, reason, note, taskId, follow ? 1 : 0, from];
      return (await client.run(scripts.move, scheduleKeys(tenant, scheduleId), args)) as Moved;
    },
    async reopenOccurrence(tenant, scheduleId, at) {
      return (await client.run(scripts.reopen, scheduleKeys(tenant, scheduleId), [scheduleId, String(at)])) as Moved;
    },
    async endOccurrence({ tenant, scheduleId, at, outcome, failed }) {
      const args = [scheduleId, String(at), outcome, failed === undefined ? '' : Number(failed)];
      const failures = Number(await client.run(scripts.finish, scheduleKeys(tenant, scheduleId), args));
      return failures < 0 ? undefined : failures;
    },
    getOccurrence: (tenant, scheduleId, at) => read(client, tenant, scheduleId, at),
    listOccurrences: (tenant, scheduleId, query) => list(client, tenant, scheduleId, query),
    listOpenOccurrences: (tenant, query) => listOpen(client, tenant, query),
  };
}

async function read(
  client: RedisClient,
  tenant: string,
  scheduleId: string,
  at: number,
): Promise<Occurrence | undefined> {
  const text = await client.command('HGET', keys.occurrences(tenant, scheduleId), String(at));
  return typeof text === 'string' ? JSON.parse(text) : undefined;
}

/** Looked at in one step of a filtered listing: a page may be short, and still have a cursor. */
const scanned = 1_000;

async function list(
  client: RedisClient,
  tenant: string,
  scheduleId: string,
  { since, until, states, limit, cursor }: OccurrenceQuery,
): ReturnType<ScheduleStore['listOccurrences']> {
  const below = [until, cursor].filter((bound) => bound !== undefined).map(Number);
  const count = Math.max(scanned, limit + 1);
  const reply = (await client.run(
    scripts.list,
    [keys.occurrences(tenant, scheduleId), keys.occurrenceOrder(tenant, scheduleId)],
    [below.length > 0 ? `(${Math.min(...below)}` : '+inf', since ?? 0, count],
  )) as string[];
  const found = reply.filter((_, index) => index % 2 === 1).map((text): Occurrence => JSON.parse(text));
  const matches = found.filter(({ state }) => !states || states.includes(state));
  const occurrences = matches.slice(0, limit);
  const last = matches.length > limit ? occurrences.at(-1) : found.length < count ? undefined : found.at(-1);
  return { occurrences, ...(last && { cursor: String(last.at) }) };
}

async function listOpen(
  client: RedisClient,
  tenant: string,
  { limit, after }: Parameters<ScheduleStore['listOpenOccurrences']>[1],
): Promise<readonly OpenOccurrence[]> {
  const seen = after ? [after.occurrence.due, memberOf(after)] : [];
  const args = [limit, keys.occurrences(tenant, ''), ...seen];
  const reply = (await client.run(scripts.open, [keys.occurrencesOpen(tenant)], args)) as string[];
  const found: OpenOccurrence[] = [];
  for (let next = 0; next < reply.length; next += 2) {
    const [scheduleId = '', text = ''] = reply.slice(next, next + 2);
    found.push({ scheduleId, occurrence: JSON.parse(text) });
  }
  return found;
}

const memberOf = ({ scheduleId, occurrence }: OpenOccurrence): string => `${occurrence.at} ${scheduleId}`;

const perCall = 500;

/** Forgets occurrences that ended long ago, a bounded number a call. */
export async function expireOccurrences(client: RedisClient, tenant: string, keptMs: number): Promise<void> {
  const args = [keptMs, perCall, keys.occurrences(tenant, ''), keys.occurrenceOrder(tenant, '')];
  await client.run(scripts.expire, [keys.occurrencesDecided(tenant)], args);
}
