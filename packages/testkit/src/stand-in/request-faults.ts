/** What goes wrong with requests, on command. */
export interface RequestFaults<What> {
  add(fault: RequestFault<What>): void;
  /** The first fault for the route at that stage, used up by one. */
  take(routeName: string, stage: Stage): RequestFault<What> | undefined;
  clear(): void;
}

/** Before the request is worked on, or after it was and before it is answered. */
export type Stage = 'before' | 'after';

export interface RequestFault<What> {
  /** As the stand-in names it, such as `POST /channels/:channel/messages`; `*` for all. */
  readonly route: string;
  readonly stage: Stage;
  times: number;
  readonly what: What;
}

/** The request gets no answer. */
export class Silence extends Error {
  /** Its connection is closed, too. */
  readonly cuts: boolean;

  constructor(cuts: boolean) {
    super('no answer');
    this.cuts = cuts;
  }
}

export function createRequestFaults<What>(): RequestFaults<What> {
  let faults: readonly RequestFault<What>[] = [];
  return {
    add(fault) {
      faults = [...faults, fault];
    },
    take(routeName, stage) {
      const found = faults.find(
        (fault) => fault.times > 0 && fault.stage === stage && [routeName, '*'].includes(fault.route),
      );
      if (!found) return undefined;
      found.times -= 1;
      faults = faults.filter(({ times }) => times > 0);
      return found;
    },
    clear() {
      faults = [];
    },
  };
}
