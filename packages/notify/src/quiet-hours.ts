import { isBelow, type Notification, type QuietHours } from '@moltbot/shared';
import { createWallClock, type WallTime } from './wall-clock.ts';

/** Until when a notification is held in a channel, epoch ms; undefined: it is told now. */
export type QuietUntil = (
  of: Pick<Notification, 'tenant' | 'severity'> & { readonly channel: string },
  now: number,
) => number | undefined;

const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const dayMs = 86_400_000;
/** Quiet hours that follow on each other are looked along so far; then it is looked again. */
const spansAtMost = 10;

interface Rule extends QuietHours {
  readonly fromMs: number;
  readonly toMs: number;
  readonly wallAt: (at: number) => WallTime;
}

/** Several rules that follow on each other are one quiet time. Where clocks change, the clock on the wall counts. */
export function createQuietHours(quietHours: readonly QuietHours[]): QuietUntil {
  const rules: readonly Rule[] = quietHours.map((each) => ({
    ...each,
    fromMs: msOfDay(each.from),
    toMs: msOfDay(each.to),
    wallAt: createWallClock(each.timezone),
  }));
  return ({ tenant, severity, channel }, now) => {
    const own = rules.filter(
      (rule) =>
        rule.tenant === tenant &&
        isBelow(severity, rule.below) &&
        (rule.channels === undefined || rule.channels.includes(channel)),
    );
    return endOfQuiet(own, now);
  };
}

function endOfQuiet(rules: readonly Rule[], now: number): number | undefined {
  let at = now;
  for (let spans = 0; spans < spansAtMost; spans += 1) {
    const rule = rules.find((each) => isQuiet(each, each.wallAt(at)));
    if (!rule) break;
    at = endOf(rule, at);
  }
  return at === now ? undefined : at;
}

/** Of the quiet time at `at`. Earlier than its end where the clock is set back meanwhile: it is quiet there, too. */
function endOf(rule: Rule, at: number): number {
  const { msOfDay: ms } = rule.wallAt(at);
  const guess = at + (ms < rule.toMs ? 0 : dayMs) + rule.toMs - ms;
  const late = (rule.wallAt(guess).msOfDay - rule.toMs + dayMs) % dayMs;
  if (late === 0 || late > dayMs / 2) return guess;
  // The clock went forward meanwhile; the end itself may be a time that does not exist.
  const exact = guess - late;
  if (rule.wallAt(exact).msOfDay === rule.toMs) return exact;
  return firstAfter(exact, guess, (each) => !isQuiet(rule, rule.wallAt(each)));
}

/** What begins in the evening and ends in the morning belongs to the day of the evening. */
function isQuiet({ days, fromMs, toMs }: Rule, { weekday, msOfDay: ms }: WallTime): boolean {
  const isOn = (day: number): boolean => days.some((each) => each === weekdays[(day + 7) % 7]);
  if (fromMs < toMs) return ms >= fromMs && ms < toMs && isOn(weekday);
  return (ms >= fromMs && isOn(weekday)) || (ms < toMs && isOn(weekday - 1));
}

/** Where it becomes true between `from`, where it is not, and `to`. */
function firstAfter(from: number, to: number, isTrue: (at: number) => boolean): number {
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isTrue(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** `07:30` → 27000000. */
function msOfDay(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return (hours * 60 + minutes) * 60_000;
}
