import { type Clock, systemClock } from '@moltbot/shared';

/** The system's clock, whose time can be moved on; sleeping is real. */
export interface ShiftedClock extends Clock {
  advance(ms: number): void;
}

export function createShiftedClock(): ShiftedClock {
  let shift = 0;
  return {
    now: () => systemClock.now() + shift,
    monotonic: () => systemClock.monotonic() + shift,
    sleep: systemClock.sleep,
    advance: (ms) => {
      shift += ms;
    },
  };
}
