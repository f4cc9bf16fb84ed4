import type { Occurrence, OccurrenceState, ScheduleRecord, ScheduleSpec } from '@moltbot/shared';
import type {
  Decision,
  NewOccurrence,
  OccurrenceEnd,
  OccurrenceMove,
  OpenOccurrence,
  PutSchedule,
  ScheduleStore,
} from '../../src/schedules-port.ts';

/** One call that writes, of the one tenant of a model. */
export type Call =
  | ({ readonly do: 'put' } & Pick<PutSchedule, 'id' | 'spec' | 'source'>)
  | ({ readonly do: 'drop' } & Pick<PutSchedule, 'id' | 'source'>)
  | { readonly do: 'pause'; readonly id: string; readonly why: 'operator' | 'failures' | undefined }
  | ({ readonly do: 'decide' } & Omit<Decision, 'tenant'>)
  | ({ readonly do: 'move' } & Omit<OccurrenceMove, 'tenant'>)
  | { readonly do: 'reopen'; readonly scheduleId: string; readonly at: number }
  | ({ readonly do: 'end' } & Omit<OccurrenceEnd, 'tenant'>)
  | { readonly do: 'restore'; readonly records: readonly ScheduleRecord[] };

/** All that a store shows of one tenant. */
export interface View {
  /** By id. */
  readonly schedules: readonly ScheduleRecord[];
  /** By revision. */
  readonly changes: readonly { readonly id: string; readonly revision: number }[];
  /** By schedule; newest first. */
  readonly occurrences: Readonly<Record<string, readonly Occurrence[]>>;
  /** By due time, schedule and instant. */
  readonly open: readonly OpenOccurrence[];
}

/** The plan of the specs of these tests. */
export const planOf = ({ when }: ScheduleSpec): string => when;

/** Asks the store for what the model is asked for. */
export function send(store: ScheduleStore, tenant: string, call: Call): Promise<unknown> {
  switch (call.do) {
    case 'put':
      return store.putSchedule({ ...call, tenant, by: 'key:1', plan: planOf(call.spec) });
    case 'drop':
      return store.dropSchedule(tenant, call.id, call.source);
    case 'pause':
      return store.pauseSchedule(tenant, call.id, call.why && { why: call.why, by: 'key:2 x' });
    case 'decide':
      return store.decideOccurrences({ ...call, tenant });
    case 'move':
      return store.moveOccurrence({ ...call, tenant });
    case 'reopen':
      return store.reopenOccurrence(tenant, call.scheduleId, call.at);
    case 'end':
      return store.endOccurrence({ ...call, tenant });
    case 'restore':
      return store.restoreSchedules(
        tenant,
        call.records.map((record) => ({ ...record, plan: planOf(record.spec) })),
      );
  }
}

/** Of an occurrence, whether its end is still of use. */
interface Row {
  readonly occurrence: Occurrence;
  readonly follow: boolean;
}

/** As the port says; written down anew, so that a slip in the table of the stores is seen. */
const moves: Readonly<Record<OccurrenceState, readonly OccurrenceState[]>> = {
  waiting: ['firing', 'skipped', 'missed'],
  firing: ['fired', 'missed'],
  missed: ['fired'],
  fired: [],
  skipped: [],
};

const isOpen = ({ occurrence: { state, outcome }, follow }: Row): boolean =>
  state === 'waiting' || state === 'firing' || (state === 'fired' && follow && outcome === undefined);

const defined = <T extends object>(given: T): T =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;

/** What a store of one tenant has to hold, said as plainly as can be. */
export class ScheduleModel {
  readonly #tenant: string;
  readonly #schedules: Map<string, ScheduleRecord>;
  readonly #epochs: Map<string, number>;
  readonly #changes: Map<string, number>;
  readonly #rows: Map<string, Map<number, Row>>;

  private constructor(tenant: string, view: View, epochs: ReadonlyMap<string, number>, follows: ReadonlySet<string>) {
    this.#tenant = tenant;
    this.#schedules = new Map(view.schedules.map((record) => [record.id, record]));
    this.#epochs = new Map(epochs);
    this.#changes = new Map(view.changes.map(({ id, revision }) => [id, revision]));
    this.#rows = new Map(
      Object.entries(view.occurrences).map(([id, rows]) => [
        id,
        new Map(
          rows.map((occurrence) => [occurrence.at, { occurrence, follow: follows.has(`${id} ${occurrence.at}`) }]),
        ),
      ]),
    );
  }

  static empty(tenant: string): ScheduleModel {
    const view = { schedules: [], changes: [], occurrences: {}, open: [] };
    return new ScheduleModel(tenant, view, new Map(), new Set());
  }

  /** The same, with the times and revisions that a store has shown. */
  as(view: View): ScheduleModel {
    const follows = [...this.#rows].flatMap(([id, rows]) =>
      [...rows].filter(([, { follow }]) => follow).map(([at]) => `${id} ${at}`),
    );
    return new ScheduleModel(this.#tenant, view, this.#epochs, new Set(follows));
  }

  copy(): ScheduleModel {
    return this.as(this.view());
  }

  view(): View {
    const rowsOf = (id: string): readonly Row[] =>
      [...(this.#rows.get(id)?.values() ?? [])].sort((a, b) => b.occurrence.at - a.occurrence.at);
    const ids = [...this.#rows.keys()].sort();
    const open = ids.flatMap((scheduleId) =>
      rowsOf(scheduleId)
        .filter(isOpen)
        .map(({ occurrence }) => ({ scheduleId, occurrence })),
    );
    return {
      schedules: [...this.#schedules.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
      changes: [...this.#changes].map(([id, revision]) => ({ id, revision })).sort((a, b) => a.revision - b.revision),
      occurrences: Object.fromEntries(ids.map((id) => [id, rowsOf(id).map(({ occurrence }) => occurrence)])),
      open: open.sort(byDue),
    };
  }

  /** Does it; returns what the store has to answer. */
  apply(call: Call, now: number): unknown {
    switch (call.do) {
      case 'put':
        return this.#put(call, now);
      case 'drop':
        return this.#drop(call);
      case 'pause':
        return this.#pause(call, now);
      case 'decide':
        return this.#decide(call, now);
      case 'move':
        return this.#move(call, now);
      case 'reopen':
        return this.#reopen(call, now);
      case 'end':
        return this.#end(call);
      case 'restore':
        return call.records.filter((record) => this.#restore(record)).length;
    }
  }

  #nextRevision(id: string): number {
    const revision = Math.max(0, ...this.#changes.values()) + 1;
    this.#changes.set(id, revision);
    return revision;
  }

  #write(record: Omit<ScheduleRecord, 'revision'>): ScheduleRecord {
    const written = { ...record, revision: this.#nextRevision(record.id) };
    this.#schedules.set(record.id, written);
    return written;
  }

  #put({ id, spec, source }: Call & { do: 'put' }, now: number): unknown {
    const known = this.#schedules.get(id);
    if (!known) {
      this.#epochs.delete(id);
      const times = { createdAt: now, updatedAt: now, cursor: now, activeSince: now };
      const made = { tenant: this.#tenant, id, spec, source, createdBy: 'key:1', failures: 0, ...times };
      return { kind: 'created', record: this.#write(made) };
    }
    if (known.source !== source) return { kind: 'foreign', record: known };
    if (JSON.stringify(known.spec) === JSON.stringify(spec)) return { kind: 'same', record: known };
    const isSamePlan = planOf(known.spec) === planOf(spec);
    const isEnabledAgain = spec.enabled && !known.spec.enabled;
    const record = this.#write({
      ...{ ...known, spec, updatedAt: now, cursor: isSamePlan ? known.cursor : now },
      activeSince: isSamePlan && !isEnabledAgain ? known.activeSince : now,
    });
    return { kind: 'replaced', record };
  }

  #restore(record: ScheduleRecord): boolean {
    if (this.#schedules.has(record.id)) return false;
    this.#epochs.delete(record.id);
    this.#write(record);
    return true;
  }

  #drop({ id, source }: Call & { do: 'drop' }): unknown {
    const known = this.#schedules.get(id);
    if (!known) return 'absent';
    if (known.source !== source) return 'foreign';
    this.#schedules.delete(id);
    this.#nextRevision(id);
    return 'ok';
  }

  #pause({ id, why }: Call & { do: 'pause' }, now: number): unknown {
    const known = this.#schedules.get(id);
    if (!known) return 'absent';
    const { paused, ...rest } = known;
    if ((paused === undefined) === (why === undefined)) return 'same';
    if (why) this.#write({ ...rest, paused: { why, by: 'key:2 x', at: now } });
    else this.#write({ ...rest, activeSince: now, failures: 0 });
    return 'ok';
  }

  #decide({ scheduleId: id, revision, epoch, cursor = 0, occurrences }: Call & { do: 'decide' }, now: number): unknown {
    const known = this.#schedules.get(id);
    if (!known) return { kind: 'absent' };
    const newest = this.#epochs.get(id) ?? 0;
    if (epoch > 0 && epoch < newest) return { kind: 'fenced' };
    if (revision !== known.revision) return { kind: 'stale' };
    const taken = occurrences.map((occurrence) => this.#take(id, occurrence, now));
    this.#epochs.set(id, Math.max(newest, epoch));
    const decided = { ...known, cursor: Math.max(known.cursor, cursor) };
    this.#schedules.set(id, decided);
    if (epoch === 0) this.#write(decided);
    return { kind: 'ok', taken };
  }

  #take(id: string, occurrence: NewOccurrence, now: number): boolean {
    if (this.#row(id, occurrence.at)) return false;
    const fired = occurrence.state === 'fired' ? { firedAt: now } : {};
    this.#set(id, { occurrence: { ...occurrence, decidedAt: now, ...fired }, follow: true });
    return true;
  }

  #move({ scheduleId: id, at, to, follow = false }: Call & { do: 'move' }, now: number): unknown {
    const row = this.#row(id, at);
    if (!row) return 'absent';
    const { reason: _reason, note: _note, ...known } = row.occurrence;
    if (known.state === to.state && (to.taskId === undefined || to.taskId === known.taskId)) return 'ok';
    if (!moves[known.state].includes(to.state)) return 'illegal';
    const fired = to.state === 'fired' ? { firedAt: now } : {};
    this.#set(id, { occurrence: { ...known, ...defined(to), ...fired }, follow });
    return 'ok';
  }

  #reopen({ scheduleId: id, at }: Call & { do: 'reopen' }, now: number): unknown {
    if (!this.#schedules.has(id)) return 'absent';
    const known = this.#row(id, at)?.occurrence;
    if (known && known.state !== 'missed' && known.state !== 'skipped') return 'illegal';
    // The other instants that its row stands for keep theirs.
    const { count = 1 } = known ?? {};
    if (known && count > 1)
      this.#set(id, { occurrence: { ...known, at: at + 1, due: at + 1, count: count - 1 }, follow: false });
    const occurrence: Occurrence = { at, due: at, kind: 'backfill', state: 'waiting', decidedAt: now };
    this.#set(id, { occurrence, follow: true });
    const schedule = this.#schedules.get(id);
    if (schedule) this.#write(schedule);
    return 'ok';
  }

  #end({ scheduleId: id, at, outcome, failed }: Call & { do: 'end' }): unknown {
    const known = this.#row(id, at)?.occurrence;
    if (known?.state !== 'fired' || known.outcome !== undefined) return undefined;
    this.#set(id, { occurrence: { ...known, outcome }, follow: false });
    const schedule = this.#schedules.get(id);
    const before = schedule?.failures ?? 0;
    const failures = failed === undefined ? before : failed ? before + 1 : 0;
    if (schedule) this.#schedules.set(id, { ...schedule, failures });
    return failures;
  }

  #row(id: string, at: number): Row | undefined {
    return this.#rows.get(id)?.get(at);
  }

  #set(id: string, row: Row): void {
    const rows = this.#rows.get(id) ?? new Map<number, Row>();
    this.#rows.set(id, rows.set(row.occurrence.at, row));
  }
}

/** Stores order those of one due time as they like. */
export const byDue = (a: OpenOccurrence, b: OpenOccurrence): number =>
  a.occurrence.due - b.occurrence.due || a.scheduleId.localeCompare(b.scheduleId) || a.occurrence.at - b.occurrence.at;
