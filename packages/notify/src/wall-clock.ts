/** What the clock on a wall shows. */
export interface WallTime {
  /** 0 for Sunday. */
  readonly weekday: number;
  /** Since its midnight, ms. */
  readonly msOfDay: number;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Reads epoch ms on the walls of a time zone. @param zone IANA name */
export function createWallClock(zone: string): (at: number) => WallTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    const seconds = (of('hour') * 60 + of('minute')) * 60 + of('second');
    const msOfSecond = ((at % 1_000) + 1_000) % 1_000;
    return { weekday: weekdays.indexOf(parts.get('weekday') ?? ''), msOfDay: seconds * 1_000 + msOfSecond };
  };
}
