/** A unit of work that waits for a slot. */
export interface SlotJob {
  /** Runs in a slot; the slot is free again when it settles. It handles its own errors. */
  run(): Promise<void>;
  /** Called instead of `run` when the slots are closed first. */
  giveBack(): void;
  /** When it came, in the terms of whoever sweeps. */
  readonly since: number;
  /** Called instead of `run` when it is swept out first. */
  putOff(): void;
}

export interface FairSlots {
  /** Takes the job when a slot is free and its line's turn has come. */
  offer(line: string, job: SlotJob): void;
  /** Puts off what waits since before then. */
  sweep(before: number): void;
  /** Gives back everything that waits, now and from here on. */
  close(): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
  running(): number;
  waiting(): number;
}

interface Line {
  readonly weight: number;
  readonly jobs: SlotJob[];
  /** Virtual time of its next job: the line with the least goes first (stride scheduling, Waldspurger 1995). */
  pass: number;
}

/**
 * A fixed number of slots shared by lines of work in proportion to their weights, whatever the lengths of the lines.
 * @param weightOf share of a line, 1 and up
 */
export function createFairSlots(slots: number, weightOf: (line: string) => number): FairSlots {
  const lines = new Map<string, Line>();
  const idleWaiters: (() => void)[] = [];
  let running = 0;
  let closed = false;
  let virtualTime = 0;

  const nextLine = (): Line | undefined => {
    let best: Line | undefined;
    for (const line of lines.values()) {
      if (line.jobs.length > 0 && (best === undefined || line.pass < best.pass)) best = line;
    }
    return best;
  };

  const pump = (): void => {
    while (running < slots) {
      const line = nextLine();
      const job = line?.jobs.shift();
      if (!line || !job) break;
      virtualTime = line.pass;
      line.pass += 1 / line.weight;
      running += 1;
      void job.run().finally(() => {
        running -= 1;
        pump();
      });
    }
    if (running === 0) for (const wake of idleWaiters.splice(0)) wake();
  };

  return {
    offer(name, job) {
      if (closed) {
        job.giveBack();
        return;
      }
      const line = lines.get(name) ?? { weight: weightOf(name), jobs: [], pass: 0 };
      lines.set(name, line);
      // A line that was empty starts at the present: it saved up no turns.
      if (line.jobs.length === 0) line.pass = Math.max(line.pass, virtualTime);
      line.jobs.push(job);
      pump();
    },
    sweep(before) {
      for (const { jobs } of lines.values()) {
        // Those that came first stand first.
        while (jobs[0] && jobs[0].since < before) jobs.shift()?.putOff();
      }
    },
    close() {
      closed = true;
      for (const line of lines.values()) for (const job of line.jobs.splice(0)) job.giveBack();
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
    running: () => running,
    waiting: () => [...lines.values()].reduce((sum, { jobs }) => sum + jobs.length, 0),
  };
}
