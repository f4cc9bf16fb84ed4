import { decideSchedule } from './decide-schedule.ts';
import { endOfTask } from './end-of-task.ts';
import type { EngineDeps } from './engine-deps.ts';
import { fireOccurrence, watchEnd } from './fire-occurrence.ts';
import type { OpenItem } from './open-occurrences.ts';
import { lookAtWaiting } from './waiting-occurrence.ts';

/** At one time, so that a burst of schedules does not bury the store. */
const atOnce = 64;
/** The clock is looked at so often at least, ms: it may jump, and a schedule may come from elsewhere. */
const lookEveryMs = 200;

/** Work under way, of which only so much is begun at one time. */
interface Lane {
  room(): number;
  run(work: Promise<void>): void;
  idle(): Promise<void>;
}

function createLane(): Lane {
  const running = new Set<Promise<void>>();
  return {
    room: () => atOnce - running.size,
    run(work) {
      const tracked = work.finally(() => running.delete(tracked));
      running.add(tracked);
    },
    async idle() {
      await Promise.allSettled(running);
    },
  };
}

/** Decides each schedule when its instant comes, and looks after every occurrence until its end. Resolves when the term is over. */
export async function fireSchedules(deps: EngineDeps): Promise<void> {
  const { term, timetable, open, clock } = deps;
  const [deciding, looking] = [createLane(), createLane()];
  const fire = (item: OpenItem): void => looking.run(fireOccurrence(deps, item));
  while (!term.isOver()) {
    const now = clock.now();
    for (const entry of timetable.takeDue(now, deciding.room())) deciding.run(decideSchedule(deps, entry, fire));
    for (const item of open.due(now).slice(0, Math.max(0, looking.room()))) looking.run(look(deps, item, fire));
    const wait = Math.max(1, Math.min(lookEveryMs, (timetable.nextAt() ?? Number.POSITIVE_INFINITY) - clock.now()));
    // With no room it is the lanes that are waited for.
    const isFull = deciding.room() <= 0 || looking.room() <= 0;
    await clock.sleep(isFull ? 5 : wait, term.signal).catch(() => {});
  }
  await Promise.all([deciding.idle(), looking.idle()]);
}

async function look(deps: EngineDeps, item: OpenItem, fire: (item: OpenItem) => void): Promise<void> {
  if (item.isBusy) return;
  try {
    if (item.state === 'firing') return await fireOccurrence(deps, item);
    item.isBusy = true;
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
