import { isDeepStrictEqual } from 'node:util';
import { newId, type Occurrence, occurrenceStates, type ScheduleRecord } from '@moltbot/shared';
import { array, assert, asyncProperty } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/port.ts';
import type { OpenOccurrence } from '../../src/schedules-port.ts';
import { type Act, act, ids, instants, specOf, type Wish } from './schedules-acts.ts';
import { byDue, type Call, planOf, ScheduleModel, send, type View } from './schedules-model.ts';

/** Gives the store as it is after it lost its records: the same one, or another in its place. */
export type EmptyStore = (store: Store) => Promise<Store>;

/** What somebody who follows the changes has known at some time, and how far it had followed them. */
interface Follower {
  readonly schedules: ReadonlyMap<string, ScheduleRecord>;
  readonly revision: number;
}

/** What must hold whatever doors and leaders do to the schedules of a tenant, in any order, and at once. */
class Trial {
  readonly #tenant = newId();
  readonly #empty: EmptyStore;
  #store: Store;
  #model: ScheduleModel;
  #view: View;
  /** Newest first: of the leaders; of each schedule. */
  readonly #epochs = [2, 1];
  readonly #revisions = new Map<string, number[]>();
  /** Each schedule as it was last seen, as a leader remembers it. */
  readonly #seen = new Map<string, ScheduleRecord>();
  /** One for each step since the store was empty. */
  #followers: Follower[] = [];

  constructor(store: Store, empty: EmptyStore) {
    this.#store = store;
    this.#empty = empty;
    this.#model = ScheduleModel.empty(this.#tenant);
    this.#view = this.#model.view();
    this.#remember();
  }

  get store(): Store {
    return this.#store;
  }

  async begin(): Promise<void> {
    for (const one of ids) await this.#make([{ do: 'put', id: one, spec: specOf({}), source: 'api' }]);
  }

  async act(given: Act): Promise<void> {
    switch (given.do) {
      case 'elect':
        this.#epochs.unshift((this.#epochs[0] ?? 0) + 1);
        return;
      case 'empty':
        return this.#loseAll();
      case 'together':
        return this.#make(given.wishes.map((one) => this.#callOf(one)));
      case 'call':
        return this.#call(this.#callOf(given.wish), given.again);
    }
  }

  /** Once more when its answer was lost: then it changes nothing. */
  async #call(call: Call, again: boolean): Promise<void> {
    await this.#make([call]);
    if (!again) return;
    const before = this.#view;
    await this.#make([call]);
    expect(this.#view).toEqual(before);
  }

  #callOf(given: Wish): Call {
    if (given.do === 'restore') return { do: 'restore', records: [...this.#seen.values()] };
    if (given.do !== 'decide') return given;
    const { revisionAge, leader, ...rest } = given;
    const known = this.#revisions.get(rest.scheduleId) ?? [];
    const epoch = leader === 'none' ? 0 : (this.#epochs[leader === 'newest' ? 0 : 1] ?? 1);
    return { ...rest, epoch, revision: known[revisionAge] ?? 7 };
  }

  /** Makes calls at once: what they answer and leave is as if one had been made after the other. */
  async #make(calls: readonly Call[]): Promise<void> {
    const from = Date.now();
    const outcomes = await Promise.all(calls.map((call) => send(this.#store, this.#tenant, call)));
    const before = this.#view;
    const view = await lookAt(this.#store, this.#tenant);
    const step = { from, to: Date.now(), revision: before.changes.at(-1)?.revision ?? 0 };
    const seen = plain({ outcomes, view }, step);
    const orders =
      calls.length === 1
        ? [[0]]
        : [
            [0, 1],
            [1, 0],
          ];
    const tries = orders.map((order) => this.#inOrder(calls, order, from));
    const right = tries.find((tried) => isDeepStrictEqual(plain(tried.shown, step), seen));
    if (!right) expect(seen).toEqual(plain(tries[0]?.shown, step));
    this.#model = (right?.model ?? this.#model).as(view);
    this.#view = view;
    checkStep(before, view, calls, outcomes);
    this.#remember();
  }

  #inOrder(calls: readonly Call[], order: readonly number[], now: number) {
    const model = this.#model.copy();
    const outcomes: unknown[] = [];
    for (const place of order) {
      const call = calls[place];
      if (call) outcomes[place] = model.apply(call, now);
    }
    return { model, shown: { outcomes, view: model.view() } };
  }

  async #loseAll(): Promise<void> {
    this.#store = await this.#empty(this.#store);
    this.#model = ScheduleModel.empty(this.#tenant);
    this.#view = await lookAt(this.#store, this.#tenant);
    expect(this.#view).toEqual(this.#model.view());
    this.#followers = [];
    this.#remember();
  }

  #remember(): void {
    const { schedules, changes } = this.#view;
    for (const schedule of schedules) {
      this.#seen.set(schedule.id, schedule);
      const known = this.#revisions.get(schedule.id) ?? [];
      if (known[0] !== schedule.revision) this.#revisions.set(schedule.id, [schedule.revision, ...known]);
    }
    const known = new Map(schedules.map((schedule) => [schedule.id, schedule]));
    this.#followers.push({ schedules: known, revision: changes.at(-1)?.revision ?? 0 });
  }

  /** What every way to read says is the same. */
  async end(): Promise<void> {
    const { schedules, occurrences, open } = this.#view;
    const every = Math.ceil(this.#followers.length / 6);
    for (const follower of this.#followers.filter((_, n) => n % every === 0)) await this.#follow(follower);
    const listed = await pagesOf((cursor) => this.#store.listSchedules(this.#tenant, { limit: 1, cursor }));
    expect(listed.flatMap((page) => page.schedules)).toEqual(schedules);
    expect((await this.#openByPages(2)).toSorted(byDue)).toEqual(open);
    for (const scheduleId of ids) await this.#checkOccurrences(scheduleId, occurrences[scheduleId] ?? []);
  }

  async #follow({ schedules, revision }: Follower): Promise<void> {
    const known = new Map(schedules);
    for (let after = revision; ; ) {
      const { changes, revision: last } = await this.#store.changedSchedules(this.#tenant, after, 1);
      const [change] = changes;
      expect(after).toBeLessThanOrEqual(last);
      if (!change) break;
      expect(change.revision).toBeGreaterThan(after);
      if (change.record) known.set(change.id, change.record);
      else known.delete(change.id);
      after = change.revision;
    }
    // A decision and an end are no changes of a schedule: they leave its revision.
    const still = ({ cursor: _cursor, failures: _failures, ...rest }: ScheduleRecord) => rest;
    const sorted = [...known.values()].toSorted((a, b) => a.id.localeCompare(b.id));
    expect(sorted.map(still)).toEqual(this.#view.schedules.map(still));
  }

  async #openByPages(limit: number): Promise<readonly OpenOccurrence[]> {
    const found: OpenOccurrence[] = [];
    for (;;) {
      const after = found.at(-1);
      const page = await this.#store.listOpenOccurrences(this.#tenant, { limit, ...(after && { after }) });
      found.push(...page);
      if (page.length < limit) return found;
    }
  }

  async #checkOccurrences(scheduleId: string, rows: readonly Occurrence[]): Promise<void> {
    const list = async (query: { states?: readonly Occurrence['state'][]; since?: number; until?: number }) =>
      (
        await pagesOf((cursor) => this.#store.listOccurrences(this.#tenant, scheduleId, { limit: 1, cursor, ...query }))
      ).flatMap((page) => page.occurrences);
    let counted = 0;
    for (const wanted of occurrenceStates) {
      const ofState = await list({ states: [wanted] });
      expect(ofState).toEqual(rows.filter((row) => row.state === wanted));
      counted += ofState.length;
    }
    expect(counted).toBe(rows.length);
    expect(new Set(rows.map((row) => row.at)).size).toBe(rows.length);
    for (const bound of instants) {
      expect(await list({ since: bound })).toEqual(rows.filter((row) => row.at >= bound));
      expect(await list({ until: bound })).toEqual(rows.filter((row) => row.at < bound));
    }
    for (const row of rows) expect(await this.#store.getOccurrence(this.#tenant, scheduleId, row.at)).toEqual(row);
  }
}

/** Holds whatever the model says. */
function checkStep(before: View, after: View, calls: readonly Call[], outcomes: readonly unknown[]): void {
  const isRefused = (outcome: unknown): boolean =>
    ['illegal', 'absent', 'foreign', 'same', undefined].includes(outcome as string) ||
    ['fenced', 'stale', 'absent', 'foreign', 'same'].includes((outcome as { kind?: string }).kind ?? '');
  if (outcomes.every(isRefused)) expect(after).toEqual(before);
  for (const [scheduleId, rows] of Object.entries(before.occurrences)) {
    const now = new Map(after.occurrences[scheduleId]?.map((row) => [row.at, row]));
    const isReopened = calls.some((call) => call.do === 'reopen' && call.scheduleId === scheduleId);
    for (const row of rows) checkMove(row, now.get(row.at), isReopened);
  }
  if (calls.some((call) => call.do === 'drop')) return;
  for (const known of before.schedules) {
    const now = after.schedules.find((schedule) => schedule.id === known.id);
    if (!now) throw new Error(`schedule ${known.id} is gone`);
    expect(now.revision).toBeGreaterThanOrEqual(known.revision);
    const isReplanned = calls.some((call) => call.do === 'put' && planOf(call.spec) !== planOf(known.spec));
    if (!isReplanned) expect(now.cursor).toBeGreaterThanOrEqual(known.cursor);
  }
}

/** A record stays, and leaves a final state by evidence or on request alone. */
function checkMove(from: Occurrence, to: Occurrence | undefined, isReopened: boolean): void {
  if (!to) throw new Error(`the record of ${from.at} is gone`);
  const isFinalState = ['fired', 'skipped', 'missed'].includes(from.state);
  if (!isFinalState || (isReopened && from.state !== 'fired')) return;
  if (from.state === 'missed' && to.state === 'fired') return;
  expect(to).toEqual({ ...from, ...(from.outcome === undefined && to.outcome && { outcome: to.outcome }) });
}

interface Step {
  readonly from: number;
  readonly to: number;
  /** The last one before it. */
  readonly revision: number;
}

const times: ReadonlySet<string> = new Set([
  ...['at', 'createdAt', 'updatedAt', 'cursor', 'activeSince', 'decidedAt', 'firedAt'],
]);

/** The same with times within the step as its beginning, and its new revisions by their rank: the store alone knows them. */
function plain(given: unknown, { from, to, revision }: Step): unknown {
  const made = new Set<number>();
  JSON.stringify(given, (key, value) => {
    if (key === 'revision' && value > revision) made.add(value);
    return value;
  });
  const ranks = [...made].sort((a, b) => a - b);
  return JSON.parse(
    JSON.stringify(given, (key, value) => {
      if (key === 'revision' && value > revision) return revision + 1 + ranks.indexOf(value);
      return times.has(key) && value >= from && value <= to ? from : value;
    }),
  );
}

async function lookAt(store: Store, tenant: string): Promise<View> {
  const limit = 100;
  const [{ schedules }, { changes, revision }, open, ...pages] = await Promise.all([
    store.listSchedules(tenant, { limit }),
    store.changedSchedules(tenant, 0, limit),
    store.listOpenOccurrences(tenant, { limit }),
    ...ids.map((scheduleId) => store.listOccurrences(tenant, scheduleId, { limit })),
  ]);
  const changed = changes.flatMap((change) => (change.record ? [change.record] : []));
  expect(changed.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(schedules);
  for (const change of changes) if (change.record) expect(change.record.revision).toBe(change.revision);
  expect(revision).toBe(changes.at(-1)?.revision ?? 0);
  const occurrences = ids.map((scheduleId, index) => [scheduleId, pages[index]?.occurrences ?? []] as const);
  return {
    schedules,
    changes: changes.map((change) => ({ id: change.id, revision: change.revision })),
    occurrences: Object.fromEntries(occurrences.filter(([, rows]) => rows.length > 0)),
    open: open.toSorted(byDue),
  };
}

async function pagesOf<P extends { readonly cursor?: string | undefined }>(
  next: (cursor: string | undefined) => Promise<P>,
): Promise<readonly P[]> {
  const pages: P[] = [];
  do pages.push(await next(pages.at(-1)?.cursor));
  while (pages.at(-1)?.cursor !== undefined);
  return pages;
}

/** All are tried in a third of it; a machine that is busy tries fewer. */
const budgetMs = 10_000;

/** Doors and leaders do anything, in any order. @param create gives a store that is started */
export function randomSchedulesConformance(create: () => Promise<Store>, empty: EmptyStore): void {
  describe('whatever doors and leaders do to schedules', () => {
    it('holds what a simple model holds, and nothing that is old changes it', async () => {
      let store = await create();
      const end = performance.now() + budgetMs;
      await assert(
        asyncProperty(array(act, { minLength: 1, maxLength: 50 }), async (acts) => {
          if (performance.now() > end) return;
          const trial = new Trial(store, empty);
          try {
            await trial.begin();
            for (const step of acts) await trial.act(step);
            await trial.end();
          } finally {
            store = trial.store;
          }
        }),
        { numRuns: 120 },
      );
      await store.stop();
    }, 60_000);
  });
}
