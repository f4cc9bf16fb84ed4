import { type DstPolicy, dstPolicies } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { compilePlan, type PlanSpec } from '../src/index.ts';

// What clocks show is asked of Intl, minute by minute: nothing here knows the tables of the code under test.
const minuteMs = 60_000;
const dayMs = 86_400_000;
const [firstYear, lastYear] = [2000, 2040];
/** Every pattern at every change takes some minutes: otherwise each change gets two of the eight, in turn. */
const isWhole = process.env['MOLTBOT_WHOLE_ORACLE'] !== undefined;

interface Clock {
  readonly zone: string;
  /** Local time as if it were UTC. */
  civil(instant: number): number;
}

function clockOf(zone: string): Clock {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return {
    zone,
    civil(instant) {
      const [, month, day, year, hour, minute, second] =
        /(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)/.exec(format.format(instant))?.map(Number) ?? [];
      return Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
    },
  };
}

interface Change {
  readonly clock: Clock;
  /** First minute with the new offset. */
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

/** Looks every week, then halves the week in which the offset differs. */
function changesOf(clock: Clock): readonly Change[] {
  const offset = (instant: number): number => clock.civil(instant) - instant;
  const changes: Change[] = [];
  const end = Date.UTC(lastYear + 1, 0, 1);
  let after = offset(Date.UTC(firstYear, 0, 1));
  for (let from = Date.UTC(firstYear, 0, 1); from < end; from += 7 * dayMs) {
    const before = after;
    after = offset(from + 7 * dayMs);
    if (before === after) continue;
    let [low, high] = [from, from + 7 * dayMs];
    while (high - low > minuteMs) {
      const middle = Math.floor((low + high) / 2 / minuteMs) * minuteMs;
      if (offset(middle) === before) low = middle;
      else high = middle;
    }
    changes.push({ clock, at: high, before, after: offset(high) });
  }
  return changes;
}

/** Minutes of the day at which a pattern runs, or of every hour; seconds after the minute. */
interface TestPattern {
  readonly cron: string;
  readonly minutes: ReadonlySet<number>;
  readonly everyHour: boolean;
  readonly seconds: number;
}

const daily = (minutes: readonly number[], cron: string, seconds = 0): TestPattern => ({
  ...{ cron, minutes: new Set(minutes), everyHour: false, seconds },
});

/** Around the times that are passed over or repeated, and far from them. */
function patternsFor({ at, before, after }: Change): readonly TestPattern[] {
  const from = minuteOfDay(at + Math.min(before, after));
  const to = minuteOfDay(at + Math.max(before, after));
  const middle = (from + Math.floor(Math.abs(after - before) / minuteMs / 2)) % 1_440;
  const at3 = [from, middle, to, (from + 1_439) % 1_440, (from + 720) % 1_440];
  const hour = Math.floor(from / 60);
  const tens = [0, 10, 20, 30, 40, 50].map((minute) => hour * 60 + minute);
  return [
    ...at3.map((minute) => daily([minute], `${minute % 60} ${Math.floor(minute / 60)} * * *`)),
    daily([middle], `30 ${middle % 60} ${Math.floor(middle / 60)} * * *`, 30),
    daily(tens, `*/10 ${hour} * * *`),
    { cron: '5,35 * * * *', minutes: new Set([5, 35]), everyHour: true, seconds: 0 },
  ];
}

const minuteOfDay = (civil: number): number => Math.floor((((civil % dayMs) + dayMs) % dayMs) / minuteMs);

type Found = Map<number, 'run' | 'dst-gap' | 'dst-fold'>;

interface Minute {
  readonly instant: number;
  readonly civil: number;
  /** Clocks have shown this minute before. */
  readonly isSecond: boolean;
}

/** What clocks show from well before a window to its end. */
function minutesOf({ clock, before, after }: Change, [from, to]: readonly [number, number]): readonly Minute[] {
  const seen = new Set<number>();
  const minutes: Minute[] = [];
  for (let instant = from - Math.abs(after - before); instant < to; instant += minuteMs) {
    const civil = clock.civil(instant);
    minutes.push({ instant, civil, isSecond: seen.has(civil) });
    seen.add(civil);
  }
  return minutes;
}

interface Case {
  readonly change: Change;
  readonly window: readonly [number, number];
  readonly minutes: readonly Minute[];
}

/** By the words of docs/schedules.md, minute by minute over a window. */
function oracle({ change, minutes, window: [from, to] }: Case, pattern: TestPattern, dst: DstPolicy): Found {
  const found: Found = new Map();
  const put = (at: number, what: 'run' | 'dst-gap' | 'dst-fold'): void => {
    if (at > from && at < to && found.get(at) !== 'run') found.set(at, what);
  };
  const isMatch = (civil: number): boolean =>
    pattern.minutes.has(pattern.everyHour ? minuteOfDay(civil) % 60 : minuteOfDay(civil));
  for (const { instant, civil, isSecond } of minutes) {
    if (!isMatch(civil)) continue;
    const runs = pattern.everyHour || !isSecond || dst === 'run-both';
    put(instant + pattern.seconds * 1_000, runs ? 'run' : 'dst-fold');
  }
  if (change.after > change.before && !pattern.everyHour) {
    const gapFrom = change.at + change.before;
    for (let civil = gapFrom; civil < change.at + change.after; civil += minuteMs) {
      if (!isMatch(civil)) continue;
      const shifted = change.at + (civil - gapFrom) + pattern.seconds * 1_000;
      put(dst === 'shift' ? shifted : change.at, dst === 'skip' ? 'dst-gap' : 'run');
    }
  }
  return found;
}

function planned(change: Change, pattern: TestPattern, dst: DstPolicy, [from, to]: readonly [number, number]): Found {
  const spec: PlanSpec = {
    ...{ when: pattern.cron, timezone: change.clock.zone, dst },
    calendars: { include: [], exclude: [] },
  };
  const plan = compilePlan('oracle', spec, new Map());
  const found: Found = new Map();
  for (let next = plan.next(from); next && next.at < to; next = plan.next(next.at)) {
    const reason = next.skip?.reason;
    found.set(next.at, reason === 'dst-gap' || reason === 'dst-fold' ? reason : 'run');
  }
  return found;
}

test(`all DST policies over every change of every zone from ${firstYear} to ${lastYear}`, () => {
  const zones = [...new Set([...Intl.supportedValuesOf('timeZone'), 'Pacific/Apia', 'Australia/Lord_Howe', 'UTC'])];
  const changes = new Map<string, Change>();
  let all = 0;
  for (const change of zones.flatMap((zone) => changesOf(clockOf(zone)))) {
    all += 1;
    // Zones that make the same change at the same moment are one case: what clocks show around it is the same.
    const key = `${change.at} ${change.before} ${change.after}`;
    if (!changes.has(key)) changes.set(key, change);
  }
  let [cases, compared] = [0, 0];
  const disagreements: string[] = [];
  for (const change of changes.values()) {
    const reach = Math.max(100 * minuteMs, 1.2 * Math.abs(change.after - change.before));
    const window = [change.at - reach, change.at + reach] as const;
    const at = { change, window, minutes: minutesOf(change, window) };
    const patterns = patternsFor(change).filter((_, index) => isWhole || (index + cases) % 4 === 0);
    cases += 1;
    for (const pattern of patterns) {
      for (const dst of dstPolicies) {
        const [expected, actual] = [oracle(at, pattern, dst), planned(change, pattern, dst, window)];
        compared += Math.max(expected.size, 1);
        const text = (found: Found): string =>
          [...found]
            .sort(([a], [b]) => a - b)
            .map(([at, what]) => `${new Date(at).toISOString()} ${what}`)
            .join(', ');
        if (text(expected) !== text(actual))
          disagreements.push(`${change.clock.zone} ${pattern.cron} ${dst}: ${text(expected)} / ${text(actual)}`);
      }
    }
  }
  console.log(
    `${zones.length} zones, ${all} changes of clocks, ${changes.size} of them different; ${compared} instants compared, ${disagreements.length} disagreements`,
  );
  expect(disagreements.slice(0, 5)).toEqual([]);
  expect(changes.size).toBeGreaterThan(1_000);
}, 300_000);
