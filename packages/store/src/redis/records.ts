import { checkRecord } from '../record-limits.ts';
import type { RecordName, RecordPage, RecordStore, StoredRecord } from '../records-port.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { recordScripts as scripts } from './lua/record-scripts.ts';
import type { Tenants } from './tenants.ts';

export function createRecordCalls(client: RedisClient, tenants: Tenants): RecordStore {
  return {
    async getRecord({ tenant, kind, id }) {
      const command = ['HMGET', keys.record(tenant, kind, id), 'version', 'value'] as const;
      const [version, value] = (await client.command(...command)) as (string | null)[];
      return version ? recordOf(id, version, value) : undefined;
    },
    async putRecord(name, value, { version, keepMs } = {}) {
      checkRecord(name, value);
      const { tenant, kind, id } = name;
      await tenants.add(tenant);
      const args = [id, kind, version ?? '', value, keepMs === undefined ? '' : Math.ceil(keepMs)];
      const given = Number(await client.run(scripts.put, [...recordKeys(name), keys.recordVersion(tenant)], args));
      return given === 0 ? undefined : given;
    },
    dropRecord: async (name, version) =>
      (await client.run(scripts.drop, recordKeys(name), [name.id, name.kind, version ?? ''])) === 1,
    listRecords: (of, query) => list(client, of, query),
  };
}

const recordKeys = ({ tenant, kind, id }: RecordName): string[] => [
  ...[keys.record(tenant, kind, id), keys.records(tenant, kind), keys.recordsExpiring(tenant)],
];

const recordOf = (id: string, version: string, value: string | null | undefined): StoredRecord => ({
  ...{ id, value: value ?? '', version: Number(version) },
});

/** Ids of expired records that one page may pass over. */
const passedOver = 1_000;

async function list(
  client: RedisClient,
  { tenant, kind }: Pick<RecordName, 'tenant' | 'kind'>,
  { limit, cursor }: Parameters<RecordStore['listRecords']>[1],
): Promise<RecordPage> {
  const from = cursor === undefined ? '-' : `(${cursor}`;
  const args = [from, limit + 1, keys.recordPrefix(tenant, kind), limit + 1 + passedOver];
  const reply = await client.run(scripts.list, [keys.records(tenant, kind)], args);
  const [more, ...found] = reply as [string | null, ...string[]];
  const records: StoredRecord[] = [];
  for (let at = 0; at < found.length; at += 3) {
    records.push(recordOf(found[at] ?? '', found[at + 1] ?? '', found[at + 2]));
  }
  if (records.length <= limit) return { records, ...(more !== null && { cursor: more }) };
  const page = records.slice(0, limit);
  return { records: page, cursor: page.at(-1)?.id };
}

const perCall = 500;

/** Forgets the ids of records that have expired, a bounded number a call. */
export async function expireRecords(client: RedisClient, tenant: string): Promise<void> {
  await client.run(scripts.expire, [keys.recordsExpiring(tenant)], [perCall, keys.recordsPrefix(tenant)]);
}
