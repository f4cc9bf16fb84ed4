import { MoltError } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

/** The store as one worker sees it. */
export interface FragileStore {
  readonly store: Store;
  /** Calls to fail from here on: all, or those named. */
  down(...calls: readonly (keyof Store)[]): void;
  up(): void;
  /** Calls wait from here on until the function returned is called: the worker is frozen. */
  hold(): () => void;
  /** The next call of this name is carried out, and fails all the same. */
  loseAnswer(call: keyof Store): void;
  /** The next call of this name fails by a defect of the store. */
  fail(call: keyof Store): void;
  /** The worker is dead: it changes nothing any more. */
  die(): void;
  /** Calls made so far, those that failed included. */
  count(call: keyof Store): number;
}

export function createFragileStore(real: Store): FragileStore {
  const counts = new Map<PropertyKey, number>();
  let isDown: (call: PropertyKey) => boolean = () => false;
  let lostAnswer: PropertyKey | undefined;
  let defect: PropertyKey | undefined;
  let dead = false;
  let mayPass: Promise<void> = Promise.resolve();
  const assertUp = (call: PropertyKey): void => {
    if (dead) throw new Error('the worker is dead');
    if (isDown(call)) throw new MoltError('MOLT_STORE_DOWN', 'the store is down');
  };
  const store = new Proxy(real, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function' || name === 'health') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        await mayPass;
        assertUp(name);
        if (defect === name) {
          defect = undefined;
          throw new MoltError('MOLT_INTERNAL', 'a defect of the store');
        }
        const answer: unknown = await Reflect.apply(member, target, args);
        if (lostAnswer !== name) return answer;
        lostAnswer = undefined;
        throw new MoltError('MOLT_STORE_DOWN', 'the answer was lost');
      };
    },
  });
  return {
    store,
    down: (...calls) => {
      isDown = (call) => calls.length === 0 || calls.some((name) => name === call);
    },
    up: () => {
      isDown = () => false;
    },
    hold: () => {
      const gate = Promise.withResolvers<void>();
      mayPass = gate.promise;
      return gate.resolve;
    },
    loseAnswer: (call) => {
      lostAnswer = call;
    },
    fail: (call) => {
      defect = call;
    },
    die: () => {
      dead = true;
    },
    count: (call) => counts.get(call) ?? 0,
  };
}
