import { decideSchedule } from './decide-schedule.ts';
import { endOfTask } from './end-of-task.ts';
import type { EngineDeps } from './engine-deps.ts';
import { fireOccurrence, watchEnd } from './fire-occurrence.ts';
import { createLane } from './lane.ts';
import type { OpenItem, OpenOccurrences } from './open-occurrences.ts';
import { lookAtWaiting } from './waiting-occurrence.ts';

/** At one time, so that a burst of schedules does not bury the store. */
const atOnce = { decisions: 32, fires: 96, looks: 32 } as const;
/** The clock is looked at so often at least, ms: it may jump, and a schedule may come from elsewhere. */
const lookEveryMs = 200;

/** Decides each schedule when its instant comes, and looks after every occurrence until its end. Resolves when the term is over. */
export async function fireSchedules(deps: EngineDeps): Promise<void> {
  const { term, timetable, open, clock } = deps;
  let wake = new AbortController();
  const onRoom = (): void => wake.abort();
  const deciding = createLane(atOnce.decisions, onRoom);
  const firing = createLane(atOnce.fires);
  const looking = createLane(atOnce.looks, onRoom);
  const fire = (item: OpenItem): void => {
    item.isBusy = true;
    firing.run(() => fireOccurrence(deps, item));
  };
  let seen = clock.now();
  while (!term.isOver()) {
    wake = new AbortController();
    const now = clock.now();
    if (now < seen - lookEveryMs) lookAnew(open);
    seen = now;
    for (const entry of timetable.takeDue(now, deciding.room())) {
      deciding.run(() => decideSchedule(deps, entry, fire));
    }
    const [toFire, toLookAt] = partition(open.due(now), ({ state }) => state === 'firing');
    for (const item of toFire) fire(item);
    for (const item of toLookAt.slice(0, looking.room())) looking.run(() => look(deps, item, fire));
    const next = Math.max(1, (timetable.nextAt() ?? Number.POSITIVE_INFINITY) - clock.now());
    // What has no room now is begun when there is some.
    const isFull = deciding.room() === 0 || looking.room() === 0;
    const wait = isFull ? lookEveryMs : Math.min(lookEveryMs, next);
    const signal = isFull ? AbortSignal.any([term.signal, wake.signal]) : term.signal;
    await clock.sleep(wait, signal).catch(() => {});
  }
  await Promise.all([deciding.close(), firing.close(), looking.close()]);
}

/** What was put off for a moment must not wait for hours when the wall clock was set back. */
function lookAnew(open: OpenOccurrences): void {
  for (const item of open.all()) item.lookAt = Math.min(item.lookAt, item.state === 'waiting' ? item.due : 0);
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

async function look(deps: EngineDeps, item: OpenItem, fire: (item: OpenItem) => void): Promise<void> {
  if (item.isBusy) return;
  item.isBusy = true;
  try {
    if (item.state === 'waiting') return await lookAtWaiting(deps, item, fire);
    // One that an earlier leader fired is watched from here on.
    if (item.taskId !== undefined && !item.unwatch) watchEnd(deps, item, item.taskId);
    await endOfTask(deps, item);
  } catch (err) {
    item.lookAt = deps.clock.now() + 1_000;
    deps.log.warn(
      { err, schedule: item.scheduleId, tenant: item.tenant },
      'an occurrence could not be looked after yet',
    );
  } finally {
    if (item.state !== 'firing') item.isBusy = false;
  }
}
