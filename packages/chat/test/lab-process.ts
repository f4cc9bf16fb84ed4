import type { Bus, Delivery } from '@moltbot/bus';
import { type Clock, MoltError, silentLogger } from '@moltbot/shared';
import { createSqliteStore, type SqliteStore, type Store } from '@moltbot/store';

/** Before each call to the store: it waits for it, and when that is a function, for what it gives after the call. */
export interface StoreHooks {
  onStore: (call: string, given: readonly unknown[]) => unknown;
}

/** A store that can be down, and be emptied. */
interface LabStore {
  readonly store: Store;
  readonly hooks: StoreHooks;
  set(state: 'up' | 'before' | 'after'): void;
  empty(): Promise<void>;
  stop(): Promise<void>;
}

export async function createLabStore(clock: Clock): Promise<LabStore> {
  const open = async (): Promise<SqliteStore> => {
    const retention = { tasksMs: 1e9, outputMs: 1e9, occurrencesMs: 1e9 };
    const opened = createSqliteStore({ file: ':memory:', retention, clock, log: silentLogger });
    await opened.start();
    return opened;
  };
  let current = await open();
  let state: 'up' | 'before' | 'after' = 'up';
  const hooks: StoreHooks = { onStore: () => {} };
  const down = (): never => {
    throw new MoltError('MOLT_STORE_DOWN', 'the store of the lab is down');
  };
  const store = new Proxy({} as Store, {
    get(_, name) {
      const call = Reflect.get(current, name) as unknown;
      if (typeof call !== 'function') return call;
      if (isSync(name)) return call.bind(current);
      return async (...given: readonly unknown[]) => {
        const after = await hooks.onStore(String(name), given);
        if (state === 'before') down();
        const result: unknown = await Reflect.get(current, name).apply(current, given);
        if (typeof after === 'function') await after();
        // Whoever asked does not learn of it.
        if (state === 'after') down();
        return result;
      };
    },
  });
  const set = (next: typeof state): void => {
    state = next;
  };
  const empty = async (): Promise<void> => {
    const old = current;
    current = await open();
    await old.stop();
  };
  return { store, hooks, set, empty, stop: () => current.stop() };
}

const isSync = (name: string | symbol): boolean =>
  ['watchTask', 'watchEnd', 'health', 'state', 'targets', 'actions', 'check', 'name', 'monotonic', 'now'].includes(
    String(name),
  );

/** What becomes of the calls of a process. */
interface Life {
  mortal<T extends object>(target: T): T;
  kill(): void;
  freeze(): void;
  thaw(): void;
}

export function createLife(): Life {
  let state: 'lives' | 'dead' | 'frozen' = 'lives';
  let thawed = Promise.withResolvers<void>();
  const pass = async (): Promise<void> => {
    if (state === 'dead') await new Promise(() => {});
    if (state === 'frozen') await thawed.promise;
    if (state === 'dead') await new Promise(() => {});
  };
  const mortal = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const call = Reflect.get(target, name) as unknown;
        if (typeof call !== 'function') return call;
        if (isSync(name)) return call.bind(target);
        return async (...given: readonly unknown[]) => {
          await pass();
          try {
            return await call.apply(target, given);
          } finally {
            await pass();
          }
        };
      },
    });
  return {
    mortal,
    kill: () => {
      state = 'dead';
    },
    freeze: () => {
      state = 'frozen';
      thawed = Promise.withResolvers();
    },
    thaw: () => {
      state = 'lives';
      thawed.resolve();
    },
  };
}

/** A bus for one process: when that is gone, what it had in hand is given to others. */
export function createDeafening(bus: Bus): { readonly bus: Bus; end(): void } {
  const inHand = new Set<Delivery>();
  const cancels: (() => Promise<void>)[] = [];
  const consume: Bus['consume'] = async (queue, options, handler) => {
    const subscription = await bus.consume(queue, options, async (delivery) => {
      inHand.add(delivery);
      await handler(delivery);
      inHand.delete(delivery);
    });
    cancels.push(() => subscription.cancel());
    return subscription;
  };
  return {
    bus: new Proxy(bus, {
      get(target, name) {
        if (name === 'consume') return consume;
        const call = Reflect.get(target, name) as unknown;
        return typeof call === 'function' ? call.bind(target) : call;
      },
    }),
    end() {
      for (const cancel of cancels) void cancel();
      for (const delivery of inHand) void delivery.requeue();
    },
  };
}
