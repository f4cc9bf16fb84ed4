import { parseDuration, type ScheduleRecord } from '@moltbot/shared';
import { isInTheWay } from './decide-schedule.ts';
import { endOfTask } from './end-of-task.ts';
import type { EngineDeps } from './engine-deps.ts';
import { adoptAgain, giveUp, lookSoon, recordAgain } from './fire-occurrence.ts';
import { principalOf } from './occurrence-to-task.ts';
import type { OpenItem } from './open-occurrences.ts';
import { scheduleOf } from './schedule-of.ts';

/** What waits for a task to end is looked at so often, ms; the end itself is told. */
const lookEveryMs = 500;

/** Fires an occurrence that waits when nothing is in its way, or gives it up as the schedule says. @throws MOLT_STORE_DOWN */
export async function lookAtWaiting(deps: EngineDeps, item: OpenItem, fire: (item: OpenItem) => void): Promise<void> {
  const { clock } = deps;
  const record = await scheduleOf(deps, item);
  const verdict = record
    ? await judge(deps, item, record)
    : ({ reason: 'refused', note: 'the schedule was deleted' } as const);
  if (verdict === 'wait') item.lookAt = clock.now() + lookEveryMs;
  else if (verdict === 'fire') await startFiring(deps, item, fire);
  else await giveUp(deps, item, verdict);
}

type Verdict = 'wait' | 'fire' | Parameters<typeof giveUp>[2];

async function judge(deps: EngineDeps, item: OpenItem, record: ScheduleRecord): Promise<Verdict> {
  const { spec } = record;
  if (item.kind === 'manual') return 'fire';
  if (record.paused || !spec.enabled) return { state: 'skipped', reason: 'paused' };
  const isLate = spec.deadline !== undefined && deps.clock.now() - item.due > parseDuration(spec.deadline);
  if (isLate && item.kind === 'planned') return { reason: 'deadline' };
  if (spec.overlap === 'allow') return 'fire';
  const inTheWay = await stillInTheWay(deps, item);
  if (inTheWay.length === 0) return 'fire';
  // A day that is filled in is done one after another, whatever the schedule does with new ones.
  if (spec.overlap === 'skip' && item.kind === 'planned') return { state: 'skipped', reason: 'overlap' };
  if (spec.overlap === 'cancel-previous') await cancelOnce(deps, inTheWay);
  return 'wait';
}

/** Those that fire or run, and those that have waited longer. */
async function stillInTheWay(deps: EngineDeps, item: OpenItem): Promise<readonly OpenItem[]> {
  const { open, clock } = deps;
  for (const other of open.of(item.tenant, item.scheduleId)) {
    if (other.state === 'fired' && !other.isBusy && isInTheWay(other)) await endOfTask(deps, other);
  }
  const now = clock.now();
  return open
    .of(item.tenant, item.scheduleId)
    .filter((other) => isInTheWay(other) || (other.state === 'waiting' && other.at < item.at && other.due <= now));
}

/** Asked for again at each look: a cancel that was lost must not leave the schedule standing. */
async function cancelOnce({ intake }: EngineDeps, inTheWay: readonly OpenItem[]): Promise<void> {
  for (const other of inTheWay) {
    if (other.taskId !== undefined) {
      await intake.cancel(principalOf({ tenant: other.tenant, id: other.scheduleId }), other.taskId);
    }
  }
}

async function startFiring(deps: EngineDeps, item: OpenItem, fire: (item: OpenItem) => void): Promise<void> {
  const { store, open } = deps;
  const { tenant, scheduleId, at } = item;
  const outcome = await store.moveOccurrence({ tenant, scheduleId, at, to: { state: 'firing' } });
  if (outcome === 'absent') {
    await recordAgain(deps, item, { state: 'waiting' });
    return lookSoon(deps, item);
  }
  if (outcome === 'illegal') {
    open.remove(item);
    return adoptAgain(deps, item);
  }
  item.state = 'firing';
  item.lookAt = 0;
  fire(item);
}
