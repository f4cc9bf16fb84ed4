import type { RunOrder, RunOutcome, RunRecord, RunState, Service, Task, TaskRecord, TaskState } from '@moltbot/shared';

/** What `acceptTask` is given: the task and its runs, all of one tenant, in one step. */
export interface NewTask {
  readonly task: Task;
  readonly orders: readonly RunOrder[];
  /** Same key and same hash: the same task. Same key and another hash: conflict. Kept as long as the task. */
  readonly idempotency?: { readonly key: string; readonly requestHash: string } | undefined;
}

export type AcceptOutcome =
  | { readonly kind: 'new' }
  | { readonly kind: 'same'; readonly taskId: string }
  | { readonly kind: 'conflict'; readonly taskId: string };

/** The right to move one run: valid while no later claim has a higher fence. */
export interface RunToken {
  readonly tenant: string;
  readonly runId: string;
  readonly fence: number;
}

export interface ClaimRequest {
  readonly order: RunOrder;
  readonly worker: string;
  readonly leaseMs: number;
  /** From the delivery. A redelivered message whose record may have been lost with the store is not safe to run. */
  readonly redelivered: boolean;
  /** Epoch ms of the message's first publication. */
  readonly publishedAt: number;
  /** Also start it, in the same step: `run` then means running, as after `startRun`. */
  readonly start: boolean;
}

/**
 * - `run`: never started; this worker may run it. The record was made from the order if there was none.
 * - `lost`: it had started (or may have) under a worker that is gone; this worker holds it to give it its end.
 * - `busy`: another worker's lease is in force for `retryAfterMs`.
 * - `final`: it has ended (a cancel that was waiting for a claim ends it here); nothing to do.
 */
export type Claim =
  | { readonly verdict: 'run'; readonly token: RunToken; readonly attempt: number }
  | { readonly verdict: 'lost'; readonly token: RunToken; readonly attempt: number }
  | { readonly verdict: 'busy'; readonly retryAfterMs: number }
  | { readonly verdict: 'final'; readonly state: RunState };

/** `fenced`: a later claim holds the run; stop touching it. `illegal`: the table of moves does not allow it. */
export type MoveOutcome = 'ok' | 'fenced' | 'illegal';

export type OutputStream = 'stdout' | 'stderr';

export interface OutputChunk {
  readonly stream: OutputStream;
  readonly data: Buffer;
}

/** `gap`: `at` is not the end of what is stored; `storedBytes` is. An append that came twice shows as a gap, and is stored once. */
export type AppendOutcome =
  | { readonly kind: 'ok' }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'gap'; readonly storedBytes: number };

export interface OutputSlice {
  readonly data: Buffer;
  /** Byte offset of `data` in the stream. Its end, with no data, when what was asked for is not there yet or past its retention. */
  readonly offset: number;
  /** Bytes of the stream stored so far. */
  readonly total: number;
}

/** What happened to a task, in order. `seq` grows by at least one and is what a reader resumes from. */
export type TaskEvent = { readonly seq: number; readonly at: number } & (
  | { readonly kind: 'task'; readonly state: TaskState }
  | {
      readonly kind: 'run';
      readonly runId: string;
      readonly state: RunState;
      readonly exitCode?: number | undefined;
      readonly signal?: string | undefined;
      readonly errorCode?: string | undefined;
    }
  | {
      readonly kind: 'output';
      readonly runId: string;
      readonly stream: OutputStream;
      readonly offset: number;
      readonly length: number;
    }
);

export interface TaskQuery {
  readonly states?: readonly TaskState[] | undefined;
  readonly action?: string | undefined;
  /** Accepted at or after / before, epoch ms. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string | undefined;
}

export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly TaskRecord[];
  /** There may be more; a page can be short and still have one when filters passed over many. */
  readonly cursor?: string | undefined;
}

export type CancelOutcome =
  | { readonly kind: 'absent' }
  /** It had ended before. */
  | { readonly kind: 'final'; readonly state: TaskState }
  /** Runs that waited are cancelled; `leased` runs are with workers, who were told through their lease. */
  | { readonly kind: 'requested'; readonly state: TaskState; readonly leased: number };

export interface LeaseRenewal {
  readonly token: RunToken;
  readonly held: boolean;
  readonly cancelRequested: boolean;
}

export interface RateDecision {
  readonly allowed: boolean;
  readonly remaining: number;
  /** 0 when allowed. */
  readonly retryAfterMs: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
}

export interface RateRequest {
  readonly tenant: string;
  readonly bucket: string;
  readonly perSecond: number;
  readonly burst: number;
}

export interface StoredApiKey {
  readonly tenant: string;
  readonly id: string;
  /** `sha256:<hex>`. */
  readonly hash: string;
  readonly createdAt: number;
}

/** `epoch` grows each time the lease changes hands; carry it where a stale leader must be refused. */
export interface LeaseOutcome {
  readonly held: boolean;
  readonly epoch: number;
  readonly remainingMs: number;
}

/**
 * Shared state. Two implementations, one conformance suite (`conformance.ts`). Each call is one atomic step; time is the store's.
 * Every call rejects with MOLT_STORE_DOWN, at once (within 1 s), when the store cannot be reached.
 */
export interface Store extends Service {
  // Tasks
  /** A task that is there already under its id is `same`: an accept whose answer was lost may be repeated. */
  acceptTask(task: NewTask): Promise<AcceptOutcome>;
  /** The bus has confirmed every run of these. */
  markPublished(tenant: string, taskIds: readonly string[]): Promise<void>;
  /** Accepted at least `olderThanMs` ago, not final, and not marked published: the sweeper's work, oldest first. */
  listUnpublished(tenant: string, olderThanMs: number, limit: number): Promise<readonly (readonly RunOrder[])[]>;
  /**
   * Takes back a task that the bus would not keep: runs still queued become undeliverable, its idempotency key is free again.
   * `kept` when any run was claimed before: the task stands.
   */
  withdrawTask(tenant: string, taskId: string, error: NonNullable<RunOutcome['error']>): Promise<'withdrawn' | 'kept'>;
  getTask(tenant: string, taskId: string): Promise<TaskRecord | undefined>;
  /** In order of index. */
  getRuns(tenant: string, taskId: string): Promise<readonly RunRecord[]>;
  listTasks(tenant: string, query: TaskQuery): Promise<TaskPage>;
  requestCancel(tenant: string, taskId: string): Promise<CancelOutcome>;

  // Runs
  claimRun(request: ClaimRequest): Promise<Claim>;
  /** claimed → running: call it before the first byte of the command leaves. `cancelled` ends it there instead. */
  startRun(token: RunToken): Promise<MoveOutcome | 'cancelled'>;
  renewLeases(tokens: readonly RunToken[], leaseMs: number): Promise<readonly LeaseRenewal[]>;
  /** claimed → queued: handed back unstarted. */
  releaseRun(token: RunToken): Promise<MoveOutcome>;
  /** To a final state, with the output that was not appended yet (`at` as in `appendOutput`). Repeating a finish that succeeded is `ok`. */
  finishRun(
    token: RunToken,
    outcome: RunOutcome,
    rest?: { readonly at: number; readonly chunks: readonly OutputChunk[] },
  ): Promise<MoveOutcome>;
  /** A run whose message died on the bus: queued or claimed without a lease in force → undeliverable. */
  abandonRun(order: RunOrder, outcome: RunOutcome): Promise<MoveOutcome>;

  // Output and events
  /** `at`: bytes of both streams together that this writer has stored before. */
  appendOutput(token: RunToken, at: number, chunks: readonly OutputChunk[]): Promise<AppendOutcome>;
  /** From a byte offset of one stream; at most `maxBytes`. Undefined when there is no such run. */
  readOutput(
    tenant: string,
    runId: string,
    stream: OutputStream,
    from: number,
    maxBytes: number,
  ): Promise<OutputSlice | undefined>;
  /** The last `maxBytes` of one stream. */
  tailOutput(tenant: string, runId: string, stream: OutputStream, maxBytes: number): Promise<OutputSlice | undefined>;
  /** Events with seq above `after`, in order. */
  readEvents(tenant: string, taskId: string, after: number, limit: number): Promise<readonly TaskEvent[]>;
  /** Calls `wake` soon after each change of the task, maybe more often; poll slowly beside it. Returns how to end it. */
  watchTask(tenant: string, taskId: string, wake: () => void): () => void;
  /** As `watchTask`, for those who wait for the end alone; a task that ended a moment before wakes as well. */
  watchEnd(tenant: string, taskId: string, wake: () => void): () => void;

  // Limits, leases, keys
  takeToken(request: RateRequest): Promise<RateDecision>;
  acquireLease(name: string, owner: string, leaseMs: number): Promise<LeaseOutcome>;
  releaseLease(name: string, owner: string): Promise<void>;
  /** `exists` when a key of that tenant and id is there; it is not changed. */
  putApiKey(key: StoredApiKey): Promise<'stored' | 'exists'>;
  getApiKey(tenant: string, id: string): Promise<StoredApiKey | undefined>;
  countApiKeys(tenant: string): Promise<number>;

  /** Deletes what is past its retention, a bounded amount a call; returns the number of tasks forgotten. */
  expire(): Promise<number>;
}
