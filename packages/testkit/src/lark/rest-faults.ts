import { setTimeout as sleep } from 'node:timers/promises';
import { type RequestFault, type RequestFaults, Silence } from '../stand-in/request-faults.ts';
import { ApiError, tooManyRequests } from './api-error.ts';

export type RestTrouble =
  | { readonly kind: 'refuse'; readonly status: number; readonly code: number; readonly message: string }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'hang' | 'cut' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'rate-limit'; readonly resetSeconds: number; readonly status: 429 | 400 };

export type RestFault = RequestFault<RestTrouble>;
export type RestFaults = RequestFaults<RestTrouble>;

/** An answer of something in front of the platform: it has no JSON. */
export class GatewayError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`${status}: stand-in fault`);
    this.status = status;
  }
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
      throw tooManyRequests(what.resetSeconds, 50, what.status);
    case 'refuse':
      throw new ApiError(what.status, what.code, what.message);
    case 'status':
      throw new GatewayError(what.status);
    default:
      throw new Silence(what.kind === 'cut');
  }
}
