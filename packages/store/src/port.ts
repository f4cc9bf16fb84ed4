import type {
  Resolution,
  RunError,
  RunOrder,
  RunOutcome,
  RunRecord,
  RunState,
  Service,
  Task,
  TaskRecord,
  TaskState,
} from '@moltbot/shared';
import type { NotificationStore } from './notifications-port.ts';
import type { RecordStore } from './records-port.ts';
import type { ScheduleStore } from './schedules-port.ts';

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
  | { readonly kind: 'conflict'; readonly taskId: string }
  /** A task that was withdrawn has this id: the same request needs another. */
  | { readonly kind: 'taken' };

/** The right to move one run: valid until its holder lets go of the run, or a later claim has a higher fence. */
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
  /** Unique to this try: repeated under the same id while it holds the run, a claim answers as it did the first time. */
  readonly claimId: string;
  /** Also start it, in the same step: `run` then means running, as after `startRun`. Not so when `isLearned`: that run is claimed. */
  readonly start: boolean;
}

/** A run that this worker now holds, and what is recorded of it. */
export interface HeldRun {
  readonly token: RunToken;
  readonly attempt: number;
  /** Bytes of each stream that are stored; they may be of earlier attempts (`history`). */
  readonly stored: Readonly<Record<OutputStream, number>>;
  /** Bytes of them that are of this attempt. */
  readonly ofAttempt: Readonly<Record<OutputStream, number>>;
  /** Epoch ms of the first start of this attempt, where it had one. */
  readonly startedAt?: number | undefined;
  readonly cancelRequested: boolean;
  /** Its record was made from its order, as there was none: of what was said about the run before, the store knows nothing. */
  readonly isLearned: boolean;
}

/**
 * - `run`: this attempt never started; this worker may start it. The record was made from the order if there was none.
 * - `lost`: it had started (or may have) under a worker that is gone; this worker holds it, in the state running, to take it over
 *   or to give it its end.
 * - `busy`: another worker's lease is in force for `retryAfterMs`.
 * - `final`: it has ended (a cancel that was waiting for a claim ends it here); nothing to do.
 */
export type Claim =
  | ({ readonly verdict: 'run' } & HeldRun)
  | ({ readonly verdict: 'lost' } & HeldRun)
  | {
      readonly verdict: 'busy';
      readonly retryAfterMs: number;
      readonly cancelRequested: boolean;
      /** Since its start; 0 while it has not started. */
      readonly runningMs: number;
    }
  | { readonly verdict: 'final'; readonly state: RunState };

/** `fenced`: the token is not valid any more; stop touching the run. `illegal`: the table of moves does not allow it. */
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

/** How a task ended, as `getTask` and `getRuns` would say at that moment. */
export interface TaskEnd extends Omit<TaskRecord, 'task'> {
  readonly runs: readonly RunRecord[];
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
      /** Of a run that goes back to queued: epoch ms of its next attempt. */
      readonly retryAt?: number | undefined;
    }
  | { readonly kind: 'resolved'; readonly runId: string; readonly as: Resolution['as']; readonly by: string }
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
  /** It had ended before; `cancelRequested` when it was asked for then. */
  | { readonly kind: 'final'; readonly state: TaskState; readonly cancelRequested: boolean }
  /** Runs that waited are cancelled; `leased` runs are with workers, who learn of it with the renewal of their lease. */
  | { readonly kind: 'requested'; readonly state: TaskState; readonly leased: readonly RunOrder[] };

export interface LeaseRenewal {
  readonly token: RunToken;
  readonly held: boolean;
  readonly cancelRequested: boolean;
}

export type OutputRest = { readonly at: number; readonly chunks: readonly OutputChunk[] };

/** A message that died on the bus, kept for people. */
export interface DeadLetter {
  readonly id: string;
  readonly tenant: string;
  /** Epoch ms. */
  readonly diedAt: number;
  readonly reason: string;
  /** `queueText` of the queue it died in. */
  readonly queue?: string | undefined;
  /** Kind of the message; absent when it cannot be decoded. */
  readonly kind?: string | undefined;
  readonly bytes: Buffer;
  /** Times it was published again by itself, as it was innocent of its death. */
  readonly resubmitted: number;
}

export interface DeadLetterPage {
  /** Newest first. */
  readonly letters: readonly DeadLetter[];
  readonly cursor?: string | undefined;
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
  /** Tokens to take along with the one asked for: at most so many, and no more than is comfortable (gcra.ts). Default: 0. */
  readonly ahead?: number | undefined;
}

/** What a request was given. `remaining` and `resetMs` are the bucket's, without what was taken along. */
export interface TokensTaken extends RateDecision {
  /** Tokens taken along. They are paid for, whether they are spent or not; 0 when refused. */
  readonly ahead: number;
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
export interface Store extends Service, NotificationStore, ScheduleStore, RecordStore {
  // Tasks
  /**
   * The idempotency key decides first. A task that is there already under its id is `same`: an accept whose
   * answer was lost may be repeated.
   */
  acceptTask(task: NewTask): Promise<AcceptOutcome>;
  /** The task that an idempotency key was given for, if it is remembered. */
  taskUnder(tenant: string, idempotencyKey: string): Promise<string | undefined>;
  /** The bus has confirmed every run of these. */
  markPublished(tenant: string, taskIds: readonly string[]): Promise<void>;
  /** False for a task that is open and not marked published: it may be in the store alone. */
  isPublished(tenant: string, taskId: string): Promise<boolean>;
  /** Accepted at least `olderThanMs` ago, not final, and not marked published: maintenance's work, oldest first. */
  listUnpublished(tenant: string, olderThanMs: number, limit: number): Promise<readonly (readonly RunOrder[])[]>;
  /**
   * Takes back a task that the bus would not keep: runs still queued become undeliverable, its idempotency key is free again.
   * `kept` when a later acceptance has taken its id (`acceptedAt` is another), or any run was claimed before, or another door was asked for it again meanwhile: the task stands.
   */
  withdrawTask(task: Task, error: RunError): Promise<'withdrawn' | 'kept'>;
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
  /**
   * Lets go of the run, so that the next claim need not wait for the lease. claimed → queued: handed back unstarted.
   * running stays running, and the next claim is `lost`. The output that was not appended yet goes with it. A cancel that waited
   * for the worker of a claimed run ends it here. Repeating a release that succeeded is `ok`.
   */
  releaseRun(token: RunToken, rest?: OutputRest): Promise<MoveOutcome>;
  /**
   * claimed or running → queued, for another attempt not before `delayMs` have passed (the message waits, not the store): the error
   * becomes the attempt's note in `history`. A cancel that was asked for ends it here: `cancelled`. Repeating it answers the same.
   */
  retryRun(
    token: RunToken,
    retry: { readonly error: RunError; readonly delayMs: number; readonly rest?: OutputRest | undefined },
  ): Promise<MoveOutcome | 'cancelled'>;
  /** To a final state, with the output that was not appended yet (`at` as in `appendOutput`). Repeating a finish that succeeded is `ok`. */
  finishRun(token: RunToken, outcome: RunOutcome, rest?: OutputRest): Promise<MoveOutcome>;
  /** Notes what a person found out about an unknown run; the task gets an event. `closed`: not unknown, or resolved before. */
  resolveRun(tenant: string, runId: string, resolution: Resolution): Promise<'ok' | 'absent' | 'closed'>;
  /**
   * Gives runs that are still queued, or claimed under a lease that is over, their end when their time to start (`queueMs`,
   * `deadlineMs` of the task's limits, from `acceptedAt`) is past: → expired. Runs of such a task that the store has no record of
   * (it was emptied, and learned the task from another run's message): → unknown, once their messages had time to come as well.
   * Returns the number of tasks looked at.
   */
  expireQueued(tenant: string, limit: number): Promise<number>;
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
  /**
   * As `watchTask`, for those who wait for the end alone; a task that ended a moment before wakes as well. A store of many processes
   * tells with the end what one would ask for then, where that is short.
   */
  watchEnd(tenant: string, taskId: string, wake: (end?: TaskEnd) => void): () => void;

  // Replies and dead letters
  /** Ended tasks whose origin awaits their end (`replyPlatformOf`) and that are not marked answered, ended at least `olderThanMs` ago, oldest first. */
  listUnanswered(tenant: string, olderThanMs: number, limit: number): Promise<readonly TaskRecord[]>;
  /** Their replies are safe on the bus. */
  markAnswered(tenant: string, taskIds: readonly string[]): Promise<void>;
  /** Remembers that the reply was delivered, as long as a task is kept. */
  markDelivered(tenant: string, replyId: string): Promise<void>;
  wasDelivered(tenant: string, replyId: string): Promise<boolean>;
  /** Under an id that is there already it takes its place. */
  putDeadLetter(letter: DeadLetter): Promise<void>;
  getDeadLetter(tenant: string, id: string): Promise<DeadLetter | undefined>;
  listDeadLetters(
    tenant: string,
    query: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<DeadLetterPage>;
  /** False when there was none. */
  dropDeadLetter(tenant: string, id: string): Promise<boolean>;

  // Limits, leases, keys
  takeToken(request: RateRequest): Promise<TokensTaken>;
  acquireLease(name: string, owner: string, leaseMs: number): Promise<LeaseOutcome>;
  releaseLease(name: string, owner: string): Promise<void>;
  /** `exists` when a key of that tenant and id is there; it is not changed. */
  putApiKey(key: StoredApiKey): Promise<'stored' | 'exists'>;
  getApiKey(tenant: string, id: string): Promise<StoredApiKey | undefined>;
  countApiKeys(tenant: string): Promise<number>;

  /** Deletes what is past its retention, a bounded amount a call; returns the number of tasks forgotten. */
  expire(): Promise<number>;
}
