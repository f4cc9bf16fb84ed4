import { nextFence } from '../fence.ts';
import { checkRecord } from '../record-limits.ts';
import type { RecordName, RecordPage, RecordStore, RecordWrite, StoredRecord } from '../records-port.ts';
import type { DoStep, Step } from './tables.ts';

export function createRecordCalls(step: DoStep): RecordStore {
  return {
    getRecord: (name) => step((at) => find(at, name)),
    async putRecord(name, value, write = {}) {
      checkRecord(name, value);
      return step((at) => put(at, name, { ...write, value }));
    },
    dropRecord: (name, version) =>
      step((at) => {
        const known = find(at, name);
        if (!known || (version !== undefined && version !== known.version)) return false;
        const { tenant, kind, id } = name;
        at.sql.run('DELETE FROM records WHERE tenant = ? AND kind = ? AND id = ?', tenant, kind, id);
        return true;
      }),
    listRecords: (of, query) => step((at) => list(at, of, query)),
  };
}

const isKept = '(until IS NULL OR until > ?)';

function find({ sql, now }: Step, { tenant, kind, id }: RecordName): StoredRecord | undefined {
  const text = `SELECT id, value, version FROM records WHERE tenant = ? AND kind = ? AND id = ? AND ${isKept}`;
  const row = sql.get<StoredRecord>(text, tenant, kind, id, now);
  return row && { ...row };
}

function put(
  at: Step,
  name: RecordName,
  { value, version: expected, keepMs }: RecordWrite & { readonly value: string },
): number | undefined {
  if (expected !== undefined && expected !== (find(at, name)?.version ?? 0)) return undefined;
  const { sql, now } = at;
  const { tenant, kind, id } = name;
  const version = nextVersion(at, tenant);
  const until = keepMs === undefined ? null : now + Math.ceil(keepMs);
  sql.run(
    'INSERT OR REPLACE INTO records (tenant, kind, id, value, version, until) VALUES (?, ?, ?, ?, ?, ?)',
    ...[tenant, kind, id, value, version, until],
  );
  return version;
}

/** One row of a tenant outlives its records, so that versions grow over deletion and expiry. */
function nextVersion({ sql, now }: Step, tenant: string): number {
  const last = sql.get<{ version: number }>('SELECT version FROM record_versions WHERE tenant = ?', tenant);
  const version = nextFence(last?.version ?? 0, now);
  sql.run('INSERT OR REPLACE INTO record_versions (tenant, version) VALUES (?, ?)', tenant, version);
  return version;
}

function list(
  { sql, now }: Step,
  { tenant, kind }: Pick<RecordName, 'tenant' | 'kind'>,
  { limit, cursor }: Parameters<RecordStore['listRecords']>[1],
): RecordPage {
  const text = `SELECT id, value, version FROM records
    WHERE tenant = ? AND kind = ? AND id ${cursor === undefined ? '>=' : '>'} ? AND ${isKept} ORDER BY id LIMIT ?`;
  const rows = sql.all<StoredRecord>(text, tenant, kind, cursor ?? '', now, limit + 1);
  const records = rows.slice(0, limit).map((row) => ({ ...row }));
  return { records, ...(rows.length > limit && { cursor: records.at(-1)?.id }) };
}

const perCall = 500;

/** Forgets records past their time. */
export function expireRecords({ sql, now }: Step): void {
  const text = 'DELETE FROM records WHERE rowid IN (SELECT rowid FROM records WHERE until <= ? LIMIT ?)';
  sql.run(text, now, perCall);
}
