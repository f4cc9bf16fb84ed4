import { type Clock, type Logger, runRounds } from '@moltbot/shared';
import type { EngineDeps } from './engine-deps.ts';
import type { OpenOccurrences } from './open-occurrences.ts';
import { putBackLost } from './put-back-lost.ts';
import type { Timetable } from './timetable.ts';

/** What one that led does when it leads no more: it may be the only one that knows what an emptied store has lost. */
export interface Farewell {
  /** Goes on until the store was asked once, then forgets all. */
  begin(engine: EngineDeps): void;
  /** Breaks it off; what is known stays known. */
  end(): Promise<void>;
}

interface FarewellDeps {
  readonly tenants: readonly string[];
  readonly timetable: Timetable;
  readonly open: OpenOccurrences;
  readonly revisions: Map<string, number>;
  readonly clock: Clock;
  readonly log: Logger;
}

const tryEveryMs = 1_000;

export function createFarewell({ tenants, timetable, open, revisions, clock, log }: FarewellDeps): Farewell {
  let over = new AbortController();
  let rounds: Promise<void> = Promise.resolve();
  return {
    begin(engine) {
      over = new AbortController();
      const { signal } = over;
      const round = async (): Promise<void> => {
        for (const tenant of tenants) await putBackLost(engine, tenant);
        timetable.clear();
        open.clear();
        revisions.clear();
        over.abort();
      };
      rounds = runRounds({ name: 'the former leader', everyMs: tryEveryMs, clock, log, signal, round });
    },
    async end() {
      over.abort();
      await rounds;
    },
  };
}
