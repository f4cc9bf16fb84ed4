import type { Store } from '@moltbot/store';

/**
 * - `fails`: the call is not made.
 * - `unanswered`: it is made, and its answer is lost.
 * - `answer`: this is answered, and nothing is written.
 */
export type Fault = 'fails' | 'unanswered' | { readonly answer: unknown };

/** What is to go wrong, by call; a test changes it as it goes on. */
export type Faults = {
  [Name in keyof Store]?: Store[Name] extends (...args: infer Args) => unknown
    ? (...args: Args) => Fault | undefined
    : never;
};

/** A store as one instance sees it, while others see it whole. */
export const createFaultyStore = (store: Store, faults: Faults): Store =>
  new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: readonly unknown[]): unknown => {
        const judge: unknown = Reflect.get(faults, key);
        const fault = (typeof judge === 'function' ? Reflect.apply(judge, undefined, args) : undefined) as
          | Fault
          | undefined;
        if (fault === 'fails') return Promise.reject(new Error(`${String(key)} fails`));
        if (typeof fault === 'object') return Promise.resolve(fault.answer);
        const answer: unknown = Reflect.apply(value, target, args);
        if (fault !== 'unanswered') return answer;
        return Promise.resolve(answer).then(() => Promise.reject(new Error(`${String(key)} is not answered`)));
      };
    },
  });

/** A fault of the first call alone that meets a condition. */
export function once<Args extends readonly unknown[]>(
  fault: Fault,
  isMet: (...args: Args) => boolean = () => true,
): (...args: Args) => Fault | undefined {
  let isOver = false;
  return (...args) => {
    if (isOver || !isMet(...args)) return undefined;
    isOver = true;
    return fault;
  };
}
