import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { asMoltError, MoltError } from '@moltbot/shared';
import { migrations } from './schema.ts';

/** Statements of one step. Rows come as objects named by column; the caller says their shape. */
export interface Sql {
  get<Row>(text: string, ...params: SQLInputValue[]): Row | undefined;
  all<Row>(text: string, ...params: SQLInputValue[]): Row[];
  /** Returns the rows changed and the id of the last one inserted. */
  run(text: string, ...params: SQLInputValue[]): { readonly changes: number; readonly lastId: number };
  /** Runs when the step is on disk; not at all when it was undone. */
  afterCommit(effect: () => void): void;
}

/** One SQLite file, held by this process alone. */
export interface Database {
  /** @throws MOLT_STORE_DOWN when the file cannot be opened, or another process has it. */
  open(): void;
  /** Why it cannot be used now: not open, or the last transaction failed. Undefined when all is well. */
  fault(): string | undefined;
  /**
   * Does one atomic step and resolves when it is on disk. Steps asked for in one turn of the event loop share a transaction.
   * @throws MOLT_STORE_DOWN when the file cannot be written or is not open; what `work` throws, as a MoltError, after undoing the step.
   */
  step<T>(work: (sql: Sql) => T): Promise<T>;
  /** Finishes the steps asked for, folds the log into the file and closes it. */
  close(): void;
}

interface Step {
  /** Returns what to do once the transaction is on disk: first settle every promise, then run the effects. */
  attempt(connection: Connection): Attempted;
  reject(error: unknown): void;
}

interface Attempted {
  readonly settle: () => void;
  readonly effects: readonly (() => void)[];
  readonly wrote: boolean;
}

interface Connection {
  readonly db: DatabaseSync;
  readonly statement: (text: string) => StatementSync;
}

/** Larger bursts are split, so that the event loop breathes. */
const stepsPerTransaction = 500;

/** A database of `file` (`:memory:` keeps nothing). Opens nothing yet. */
export function createDatabase(file: string): Database {
  let connection: Connection | undefined;
  const waiting: Step[] = [];
  let failure: string | undefined;

  const flush = (): void => {
    const batch = waiting.splice(0, stepsPerTransaction);
    if (waiting.length > 0) setImmediate(flush);
    if (connection) failure = commitTogether(connection, batch, failure);
    else for (const { reject } of batch) reject(closedError(file));
  };

  return {
    open() {
      connection ??= connect(file);
    },
    fault: () => (connection ? failure : closedError(file).message),
    step: (work) =>
      new Promise((resolve, reject) => {
        if (!connection) return reject(closedError(file));
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ attempt: (current) => attempt(current, work, resolve, reject), reject });
      }),
    close() {
      if (!connection) return;
      while (waiting.length > 0) flush();
      const { db } = connection;
      connection = undefined;
      db.close();
    },
  };
}

/** Settles every step of the batch. Returns why writing fails, if it does: a batch that only read proves nothing. */
function commitTogether(connection: Connection, batch: readonly Step[], failure?: string): string | undefined {
  const { db } = connection;
  let attempted: Attempted[];
  try {
    db.exec('BEGIN');
    attempted = batch.map((step) => step.attempt(connection));
    db.exec('COMMIT');
  } catch (error) {
    for (const { reject } of batch) reject(toMoltError(error));
    if (db.isTransaction) db.exec('ROLLBACK');
    return String(error);
  }
  for (const { settle } of attempted) settle();
  for (const { effects } of attempted) for (const effect of effects) effect();
  return attempted.some(({ wrote }) => wrote) ? undefined : failure;
}

function attempt<T>(
  { db, statement }: Connection,
  work: (sql: Sql) => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Attempted {
  const effects: (() => void)[] = [];
  let wrote = false;
  const sql: Sql = {
    get: <Row>(text: string, ...params: SQLInputValue[]) => statement(text).get(...params) as Row | undefined,
    all: <Row>(text: string, ...params: SQLInputValue[]) => statement(text).all(...params) as Row[],
    run(text, ...params) {
      const { changes, lastInsertRowid } = statement(text).run(...params);
      wrote ||= Number(changes) > 0;
      return { changes: Number(changes), lastId: Number(lastInsertRowid) };
    },
    afterCommit: (effect) => effects.push(effect),
  };
  statement('SAVEPOINT step').run();
  try {
    const value = work(sql);
    statement('RELEASE step').run();
    return { settle: () => resolve(value), effects, wrote };
  } catch (error) {
    // SQLite undoes the whole transaction by itself when the disk is full: then nobody's step stands.
    if (!db.isTransaction) throw error;
    statement('ROLLBACK TO step').run();
    statement('RELEASE step').run();
    return { settle: () => reject(toMoltError(error)), effects: [], wrote: false };
  }
}

function connect(file: string): Connection {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    // Exclusive before the first access: one process, and no shared memory file beside the log.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    migrate(db);
  } catch (error) {
    db?.close();
    throw openError(file, error);
  }
  return { db, statement: cacheOf(db) };
}

function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > migrations.length) {
    throw new MoltError('MOLT_STORE_DOWN', `the file is of a newer version (${version}) of Moltbot`);
  }
  for (const [index, text] of migrations.entries()) {
    if (index >= version) db.exec(`BEGIN; ${text}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

function cacheOf(db: DatabaseSync): (text: string) => StatementSync {
  const cache = new Map<string, StatementSync>();
  return (text) => {
    const known = cache.get(text);
    if (known) return known;
    const prepared = db.prepare(text);
    cache.set(text, prepared);
    return prepared;
  };
}

/** SQLite's result codes for a file that cannot be used now: busy, locked, out of memory, read-only, I/O, corrupt, full, … */
const unusable: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 10, 11, 13, 14, 26]);

const resultCode = (error: unknown): number =>
  error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;

function toMoltError(error: unknown): MoltError {
  if (!unusable.has(resultCode(error))) return asMoltError(error);
  const message = `the database cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  return new MoltError('MOLT_STORE_DOWN', message, {
    cause: error,
    remedy: 'Check the free space and the rights of the data directory.',
  });
}

function openError(file: string, error: unknown): MoltError {
  if (resultCode(error) !== 5) return toMoltError(error);
  return new MoltError('MOLT_STORE_DOWN', `${file} is in use by another process`, {
    cause: error,
    remedy: 'Stop the other Moltbot, or give this one a data directory of its own.',
  });
}

const closedError = (file: string): MoltError => new MoltError('MOLT_STORE_DOWN', `${file} is not open`);
