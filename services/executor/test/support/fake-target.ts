import type { GuardOrder, OutputStream, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';

type Offsets = Readonly<Record<OutputStream, number>>;

/** What a target keeps of one guarded command. */
export interface FakeRecord {
  readonly id: string;
  readonly attempt: number;
  print(text: string, stream?: OutputStream): void;
  end(result: TransportResult): void;
  /** Its supervisor is killed: nobody can learn how it ends. */
  lose(): void;
  isRunning(): boolean;
}

/** The guard of a host: one record per id and attempt, however many ask. */
export interface FakeTarget {
  /** The command line of `run` has arrived with its guard: starts it, or attaches to it, or refuses. */
  arrive(run: TransportRun, guard: GuardOrder, link: AbortSignal): Promise<TransportResult>;
  record(id: string, attempt?: number): FakeRecord | undefined;
  forget(guard: Pick<GuardOrder, 'id' | 'attempt'>): void;
  forgotten(): readonly string[];
}

export interface FakeTargetOptions {
  /** A command begins to run. */
  readonly onLaunch: (text: string, record: FakeRecord) => void;
}

const keyOf = ({ id, attempt }: Pick<GuardOrder, 'id' | 'attempt'>): string => `${id}.${attempt}`;

class Kept implements FakeRecord {
  readonly id: string;
  readonly attempt: number;
  readonly text: Record<OutputStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  isForgotten = false;
  result: TransportResult | 'lost' | undefined;
  #wake = Promise.withResolvers<void>();

  constructor({ id, attempt }: Pick<GuardOrder, 'id' | 'attempt'>) {
    this.id = id;
    this.attempt = attempt;
  }

  changed(): Promise<void> {
    return this.#wake.promise;
  }

  print(text: string, stream: OutputStream = 'stdout'): void {
    if (this.result !== undefined) return;
    this.text[stream] = Buffer.concat([this.text[stream], Buffer.from(text)]);
    this.#change();
  }

  end(result: TransportResult): void {
    this.result ??= result;
    this.#change();
  }

  lose(): void {
    this.result ??= 'lost';
    this.#change();
  }

  forget(): void {
    this.isForgotten = true;
    this.text.stdout = this.text.stderr = Buffer.alloc(0);
  }

  isRunning(): boolean {
    return this.result === undefined;
  }

  #change(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

const killedFor = (reason: unknown): TransportResult => ({
  killed: 'verified',
  endedBy: ['timed-out', 'deadline', 'idle'].some((timeOut) => timeOut === reason) ? 'timeout' : 'cancel',
});

export function createFakeTarget({ onLaunch }: FakeTargetOptions): FakeTarget {
  const records = new Map<string, Kept>();
  const newest = new Map<string, number>();
  const cancelled = new Set<string>();
  const forgotten: string[] = [];

  const openRecord = (run: TransportRun, guard: GuardOrder): Kept => {
    const known = records.get(keyOf(guard));
    if (known) return known;
    const other = newest.get(guard.id) ?? 0;
    const kept = records.get(keyOf({ id: guard.id, attempt: other }));
    if (other > guard.attempt)
      throw new MoltError('MOLT_RUN_LOST', 'another attempt has begun', { details: { attempt: other } });
    if (cancelled.has(guard.id)) throw new MoltError('MOLT_RUN_CANCELLED', 'it was cancelled before it started');
    if (kept && (kept.result === undefined || kept.result === 'lost'))
      throw new MoltError('MOLT_RUN_LOST', 'an earlier attempt may run');
    if (guard.mode === 'attach') throw new MoltError('MOLT_NOT_FOUND', 'the target knows nothing of it');
    if (run.signal.aborted) {
      cancelled.add(guard.id);
      throw new MoltError('MOLT_RUN_CANCELLED', 'it was cancelled before it started');
    }
    const made = new Kept(guard);
    records.set(keyOf(guard), made);
    newest.set(guard.id, guard.attempt);
    onLaunch(run.spec.command, made);
    return made;
  };

  const follow = async (run: TransportRun, record: Kept, link: AbortSignal): Promise<TransportResult> => {
    const at = { stdout: 0, stderr: 0 };
    const from: Offsets = run.guard?.from ?? at;
    for (const stream of ['stdout', 'stderr'] as const) at[stream] = Math.min(from[stream], record.text[stream].length);
    run.guard?.onAttached({ ...at }, record.isForgotten);
    const onAbort = (): void => {
      if (!link.aborted && !run.release?.aborted) record.end(killedFor(run.signal.reason));
    };
    if (run.signal.aborted) onAbort();
    run.signal.addEventListener('abort', onAbort, { once: true });
    for (;;) {
      const { result } = record;
      const changed = record.changed();
      for (const stream of ['stdout', 'stderr'] as const) {
        const piece = record.text[stream].subarray(at[stream]);
        at[stream] += piece.length;
        if (link.aborted) throw link.reason;
        if (piece.length > 0) await run.onOutput(stream, piece);
      }
      if (link.aborted) throw link.reason;
      if (result === 'lost') throw new MoltError('MOLT_RUN_LOST', 'its supervisor was killed');
      if (result) return result;
      await Promise.race([changed, aborted(link)]);
    }
  };

  return {
    arrive: async (run, guard, link) => follow(run, openRecord(run, guard), link),
    record: (id, attempt = newest.get(id) ?? 1) => records.get(keyOf({ id, attempt })),
    forget(guard) {
      forgotten.push(keyOf(guard));
      records.get(keyOf(guard))?.forget();
    },
    forgotten: () => forgotten,
  };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
