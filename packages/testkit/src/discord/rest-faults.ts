import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './api-error.ts';
import { tooManyRequests } from './rate-limits.ts';

/** What goes wrong with requests, on command. */
export interface RestFaults {
  add(fault: RestFault): void;
  /** The first fault for the route at that stage, used up by one. */
  take(routeName: string, stage: Stage): RestFault | undefined;
  clear(): void;
}

/** Before the request is worked on, or after it was and before it is answered. */
export type Stage = 'before' | 'after';

export interface RestFault {
  /** `POST /channels/:channel/messages`, or `*` for all. */
  readonly route: string;
  readonly stage: Stage;
  times: number;
  readonly what:
    | { readonly kind: 'status'; readonly status: number }
    | { readonly kind: 'hang' | 'cut' }
    | { readonly kind: 'slow'; readonly ms: number }
    | { readonly kind: 'rate-limit'; readonly retryAfterMs: number; readonly scope: 'user' | 'shared' | 'global' };
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

export function createRestFaults(): RestFaults {
  let faults: readonly RestFault[] = [];
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

/** Resolves when the request may go on. @throws the answer it gets instead, or Silence */
export async function suffer(fault: RestFault | undefined): Promise<void> {
  if (!fault) return;
  const { what } = fault;
  switch (what.kind) {
    case 'slow':
      await sleep(what.ms);
      return;
    case 'rate-limit':
      throw tooManyRequests(what.retryAfterMs, what.scope);
    case 'status':
      throw new ApiError(what.status, { code: 0, message: `${what.status}: stand-in fault` });
    default:
      throw new Silence(what.kind === 'cut');
  }
}
