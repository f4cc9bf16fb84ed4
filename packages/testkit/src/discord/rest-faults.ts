import { setTimeout as sleep } from 'node:timers/promises';
import { type RequestFault, type RequestFaults, Silence } from '../stand-in/request-faults.ts';
import { ApiError } from './api-error.ts';
import { tooManyRequests } from './rate-limits.ts';

export type RestTrouble =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'hang' | 'cut' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'rate-limit'; readonly retryAfterMs: number; readonly scope: 'user' | 'shared' | 'global' };

export type RestFault = RequestFault<RestTrouble>;
export type RestFaults = RequestFaults<RestTrouble>;

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
