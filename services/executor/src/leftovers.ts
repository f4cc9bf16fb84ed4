import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Transport } from '@moltbot/plugin-sdk';
import {
  type Clock,
  type GuardConfig,
  hasCode,
  type Logger,
  MoltError,
  type RunOrder,
  type Service,
  Target,
} from '@moltbot/shared';
import type { RecordName, RecordStore, StoredRecord } from '@moltbot/store';
import { tidyCommand } from './transports/index.ts';

export interface LeftoversDeps {
  readonly store: RecordStore;
  readonly transports: readonly Transport[];
  readonly tenants: readonly string[];
  readonly pool: string;
  readonly guard: GuardConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sees to it that a target which gets no more commands keeps no record of those it had past `guard.retention`. */
export interface Leftovers extends Service {
  /** A guarded run has left a record on its target. */
  note(order: RunOrder): void;
}

/** What the store keeps of such a target. */
interface Visited {
  readonly target: Target;
  /** Where `local` is. */
  readonly host?: string | undefined;
  /** Where records were kept when it was noted. */
  readonly directory: string;
  /** Epoch ms from which no record of a command that was noted is needed any more, or of the next try. */
  readonly dueAt: number;
  /** Epoch ms after which nobody tries any more. */
  readonly giveUpAt: number;
}

const kind = 'guard.targets';
const roundAtMostMs = 3_600_000;
/** A target that cannot be reached, or where something is left, is tried again for so long, ms. */
const giveUpMs = 7 * 24 * 3_600_000;
const connectMs = 10_000;
const tidyWithinMs = 60_000;
const pageOf = 200;
const atOnce = 4;

/**
 * Commands make room on their target as they pass; this is for targets that were left alone. They are remembered in the store, so that
 * any executor of the pool can look after them: each is visited by one, about an hour after the retention of its last command.
 */
export function createLeftovers(deps: LeftoversDeps): Leftovers {
  const { clock, log, guard } = deps;
  const roundMs = Math.min(roundAtMostMs, guard.retentionMs / 4);
  const stopped = new AbortController();
  const notes = createNotes(deps, roundMs);
  const round = createRound({ ...deps, notes, roundMs, signal: stopped.signal });
  let loop: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      // Not all executors at once.
      await clock.sleep(roundMs * (0.5 + Math.random() / 2), stopped.signal).catch(() => {});
      if (stopped.signal.aborted) return;
      await round().catch((err: unknown) =>
        log.warn({ err }, 'targets that were left alone keep their records for now'),
      );
    }
  };
  return {
    name: 'leftovers',
    note: ({ task, target }) => notes.add(task.principal.tenant, target),
    async start() {
      loop = run();
    },
    async quiesce() {
      stopped.abort();
    },
    async stop() {
      stopped.abort();
      await loop;
      loop = undefined;
    },
    health: () => ({ ok: true }),
  };
}

interface Notes {
  /** At most once a round for each target. */
  add(tenant: string, target: Target): void;
  put(name: RecordName, visited: Visited, version?: number): Promise<number | undefined>;
  /** Forgets what it need not know any more. */
  tidy(): void;
}

function createNotes({ store, clock, log, guard }: LeftoversDeps, roundMs: number): Notes {
  const noted = new Map<string, number>();
  const put: Notes['put'] = (name, visited, version) =>
    store.putRecord(name, JSON.stringify(visited), { version, keepMs: Math.max(1, visited.giveUpAt - clock.now()) });
  return {
    put,
    add(tenant, target) {
      const host = target.transport === 'local' ? { host: hostname() } : {};
      // It holds for the runs of a round, and is due so much later.
      const dueAt = clock.now() + guard.retentionMs + roundMs;
      const visited = { target, ...host, directory: guard.directory, dueAt, giveUpAt: dueAt + giveUpMs };
      const id = idOf(visited);
      const key = `${tenant} ${id}`;
      if ((noted.get(key) ?? 0) > clock.monotonic()) return;
      noted.set(key, clock.monotonic() + roundMs);
      put({ tenant, kind, id }, visited).catch((err: unknown) => {
        noted.delete(key);
        log.warn({ tenant, target: target.name, err }, 'it is not noted that this target keeps records');
      });
    },
    tidy() {
      for (const [key, until] of noted) if (until <= clock.monotonic()) noted.delete(key);
    },
  };
}

interface RoundDeps extends LeftoversDeps {
  readonly notes: Notes;
  readonly roundMs: number;
  readonly signal: AbortSignal;
}

/** Looks through all notes, and visits the targets that are due. */
function createRound(deps: RoundDeps): () => Promise<void> {
  const { store, notes, signal } = deps;
  /** Some at a time, and not in the order of the other executors: one that does not answer takes its time. */
  const lookAtAll = async (tenant: string, records: readonly StoredRecord[]): Promise<void> => {
    const from = Math.floor(Math.random() * records.length);
    const left = [...records.slice(from), ...records.slice(0, from)];
    const lookOn = async (): Promise<void> => {
      for (let next = left.pop(); next && !signal.aborted; next = left.pop())
        await look({ tenant, kind, id: next.id }, next, deps);
    };
    await Promise.all(Array.from({ length: atOnce }, lookOn));
  };
  return async () => {
    notes.tidy();
    for (const tenant of deps.tenants) {
      let cursor: string | undefined;
      do {
        const page = await store.listRecords({ tenant, kind }, { limit: pageOf, cursor });
        await lookAtAll(tenant, page.records);
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
  };
}

async function look(name: RecordName, record: StoredRecord, deps: RoundDeps): Promise<void> {
  const { store, clock, log, pool } = deps;
  try {
    const visited = parse(record.value);
    if (visited?.target.pool !== pool || visited.dueAt > clock.now()) return;
    if (visited.host !== undefined && visited.host !== hostname()) return;
    await visit({ name, version: record.version, visited }, deps);
  } catch (err) {
    log.info({ tenant: name.tenant, target: name.id, err }, 'records are left on a target for now');
    // It runs no shell of ours any more, and asking again would run what it runs instead.
    if (hasCode(err, 'MOLT_NO_GUARD')) await store.dropRecord(name).catch(() => false);
  }
}

interface Due {
  readonly name: RecordName;
  readonly version: number;
  readonly visited: Visited;
}

async function visit({ name, version, visited }: Due, deps: RoundDeps): Promise<void> {
  const { store, notes, clock, log, guard, roundMs } = deps;
  // The longer it cannot be reached, the rarer it is tried.
  const laterMs = Math.max(roundMs, clock.now() - (visited.giveUpAt - giveUpMs));
  const mine = await notes.put(name, { ...visited, dueAt: clock.now() + laterMs }, version);
  if (mine === undefined) return;
  if (await isTidied(visited, deps)) {
    await store.dropRecord(name, mine);
    log.info({ tenant: name.tenant, target: visited.target.name }, 'a target that was left alone keeps no record');
  } else await notes.put(name, { ...visited, dueAt: clock.now() + guard.retentionMs + roundMs }, mine);
}

/** The place, too: under the name of a target there may be another host next month. */
function idOf({ target, host = '', directory }: Visited): string {
  const place = target.transport === 'ssh' ? [target.host, target.port, target.user] : [host];
  const digest = createHash('sha256').update(JSON.stringify([...place, directory]));
  return `${target.name}.${digest.digest('hex').slice(0, 16)}`;
}

/** @returns false when some records are younger, or of what runs. @throws when the target cannot be reached, or runs no such program */
async function isTidied(
  { target, directory }: Visited,
  { transports, guard, log, signal }: RoundDeps,
): Promise<boolean> {
  const transport = transports.find((offered) => offered.transport === target.transport);
  if (!transport) throw new MoltError('MOLT_TRANSPORT', `no transport for ${target.name}`);
  const said: Buffer[] = [];
  const { exitCode } = await transport.exec({
    ...{ target, log, spec: await tidyCommand({ ...guard, directory }), connectMs, needsShell: true },
    signal: AbortSignal.any([signal, AbortSignal.timeout(tidyWithinMs)]),
    onStart: async () => {},
    onOutput: async (stream, data) => void (stream === 'stdout' && said.push(data)),
  });
  if (exitCode !== 0)
    throw new MoltError('MOLT_ACTION_FAILED', `records cannot be removed on ${target.name}: ${exitCode}`);
  return Buffer.concat(said).toString() === 'clean\n';
}

/** What is not one of ours is left alone, until it expires. */
function parse(value: string): Visited | undefined {
  const { target, host, directory, dueAt, giveUpAt } = JSON.parse(value) as Record<string, unknown>;
  const known = Target.safeParse(target);
  if (!known.success || typeof directory !== 'string') return undefined;
  if (typeof dueAt !== 'number' || typeof giveUpAt !== 'number') return undefined;
  return { target: known.data, directory, dueAt, giveUpAt, ...(typeof host === 'string' && { host }) };
}
