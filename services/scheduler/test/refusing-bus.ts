import type { Bus, PublishOutcome } from '@moltbot/bus';

export type Refusal = Exclude<PublishOutcome, 'ok'> | undefined;

/** A bus that takes nothing while there is a refusal to give; `blocked` is known before anything is published. */
export const refusing = (bus: Bus, refusal: () => Refusal | 'blocked'): Bus =>
  new Proxy(bus, {
    get(target, key) {
      const now = refusal();
      if (now === 'blocked' && key === 'state') return () => now;
      if (now !== undefined && key === 'publish') return async () => (now === 'blocked' ? 'nacked' : now);
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
