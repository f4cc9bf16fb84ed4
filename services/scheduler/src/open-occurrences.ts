import type { Occurrence } from '@moltbot/shared';

/** An occurrence that waits, fires, or whose task has not ended, as the leader knows it. */
export interface OpenItem {
  readonly tenant: string;
  readonly scheduleId: string;
  readonly at: number;
  readonly kind: Occurrence['kind'];
  readonly due: number;
  state: 'waiting' | 'firing' | 'fired';
  taskId?: string | undefined;
  /** Why the door did not take it last, for people. */
  refusal?: string | undefined;
  /** Epoch ms of the next look at it. */
  lookAt: number;
  /** Tries of a firing one; looks at a fired one. */
  looks: number;
  /** Somebody looks at it now. */
  isBusy: boolean;
  /** Ends the watching of its task. */
  unwatch?: (() => void) | undefined;
}

export interface OpenOccurrences {
  /** Replaces what is known under its instant. */
  add(item: OpenItem): void;
  remove(item: OpenItem): void;
  has(tenant: string, scheduleId: string, at: number): boolean;
  /** Of one schedule, by instant. */
  of(tenant: string, scheduleId: string): readonly OpenItem[];
  /** Not in hand, and due for a look. */
  due(now: number): readonly OpenItem[];
  all(): Iterable<OpenItem>;
  size(): number;
  clear(): void;
  /** Names of schedules whose open occurrences an emptied store may not have back yet. */
  readonly unsaved: Set<string>;
}

export const scheduleName = (tenant: string, scheduleId: string): string => `${tenant}/${scheduleId}`;

/** Something is still to be done about it. */
export const isOpen = ({ state, outcome }: Occurrence): boolean =>
  state === 'waiting' || state === 'firing' || (state === 'fired' && outcome === undefined);

/** An occurrence of the store that is open, as it is looked after from here on. */
export function openItemOf(tenant: string, scheduleId: string, occurrence: Occurrence): OpenItem {
  const { at, kind, due, state, taskId } = occurrence;
  return {
    ...{ tenant, scheduleId, at, kind, due, taskId, looks: 0, isBusy: false },
    state: state === 'waiting' || state === 'firing' ? state : 'fired',
    lookAt: state === 'waiting' ? due : 0,
  };
}

export function createOpenOccurrences(): OpenOccurrences {
  const bySchedule = new Map<string, Map<number, OpenItem>>();
  let size = 0;
  function* all(): Generator<OpenItem> {
    for (const items of bySchedule.values()) yield* items.values();
  }
  const remove = (item: OpenItem): void => {
    const name = scheduleName(item.tenant, item.scheduleId);
    const items = bySchedule.get(name);
    item.unwatch?.();
    if (items?.get(item.at) !== item) return;
    items.delete(item.at);
    size -= 1;
    if (items.size === 0) bySchedule.delete(name);
  };
  return {
    add(item) {
      const name = scheduleName(item.tenant, item.scheduleId);
      const items = bySchedule.get(name) ?? new Map<number, OpenItem>();
      const known = items.get(item.at);
      if (known) remove(known);
      bySchedule.set(name, items);
      items.set(item.at, item);
      size += 1;
    },
    remove,
    has: (tenant, scheduleId, at) => bySchedule.get(scheduleName(tenant, scheduleId))?.has(at) ?? false,
    of: (tenant, scheduleId) =>
      [...(bySchedule.get(scheduleName(tenant, scheduleId))?.values() ?? [])].sort((a, b) => a.at - b.at),
    due: (now) => [...all()].filter(({ isBusy, lookAt }) => !isBusy && lookAt <= now),
    all,
    unsaved: new Set(),
    size: () => size,
    clear() {
      for (const { unwatch } of all()) unwatch?.();
      bySchedule.clear();
      size = 0;
    },
  };
}
