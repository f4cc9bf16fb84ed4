import { checkLetterCursor, letterPositionOf, timeLength } from '../listing.ts';
import type { DeadLetter, Store } from '../port.ts';
import type { Retention } from '../retention.ts';
import type { RedisClient } from './client.ts';
import { keys } from './keys.ts';
import { replyScripts } from './lua/reply-scripts.ts';
import { taskFields, taskRecordOf } from './task-record.ts';
import type { Tenants } from './tenants.ts';

type ReplyCalls = Pick<
  Store,
  | 'listUnanswered'
  | 'markAnswered'
  | 'markDelivered'
  | 'wasDelivered'
  | 'putDeadLetter'
  | 'getDeadLetter'
  | 'listDeadLetters'
  | 'dropDeadLetter'
>;

export interface ReplyDeps {
  readonly client: RedisClient;
  readonly tenants: Tenants;
  readonly retention: Retention;
}

export function createReplyCalls({ client, tenants, retention }: ReplyDeps): ReplyCalls {
  return {
    async listUnanswered(tenant, olderThanMs, limit) {
      const args = [olderThanMs, limit, keys.taskPrefix(tenant), ...taskFields];
      const found = await client.run(replyScripts.unanswered, [keys.unanswered(tenant)], args);
      return (found as (string | null)[][]).map(taskRecordOf).filter((record) => record !== undefined);
    },
    async markAnswered(tenant, taskIds) {
      if (taskIds.length > 0) await client.command('ZREM', keys.unanswered(tenant), ...taskIds);
    },
    async markDelivered(tenant, replyId) {
      await client.command('SET', keys.delivered(tenant, replyId), 1, 'PX', Math.max(1, retention.tasksMs));
    },
    wasDelivered: async (tenant, replyId) => (await client.command('EXISTS', keys.delivered(tenant, replyId))) === 1,
    async putDeadLetter(letter) {
      await tenants.add(letter.tenant);
      const args = [letter.id, letterPositionOf(letter), textOf(letter)];
      await client.run(replyScripts.putLetter, letterKeys(letter.tenant), args);
    },
    async getDeadLetter(tenant, id) {
      const text = await client.command('HGET', keys.deadLetters(tenant), id);
      return typeof text === 'string' ? letterOf(text.slice(timeLength + id.length)) : undefined;
    },
    listDeadLetters: (tenant, query) => list(client, tenant, query),
    async dropDeadLetter(tenant, id) {
      return (await client.run(replyScripts.dropLetter, letterKeys(tenant), [id, timeLength])) === 1;
    },
  };
}

async function list(
  client: RedisClient,
  tenant: string,
  { limit, cursor }: Parameters<Store['listDeadLetters']>[1],
): ReturnType<Store['listDeadLetters']> {
  const below = checkLetterCursor(cursor);
  const args = [below === undefined ? '+' : `(${below}`, limit + 1, timeLength];
  const reply = await client.run(replyScripts.listLetters, letterKeys(tenant), args);
  const found = reply as string[];
  const letters = found.filter((_, index) => index % 2 === 1).map(letterOf);
  const last = found[limit * 2 - 2];
  return { letters: letters.slice(0, limit), ...(letters.length > limit && { cursor: last }) };
}

/** Forgets letters that died long ago, a bounded number a call. */
export async function expireLetters(client: RedisClient, tenant: string, keptMs: number, limit: number): Promise<void> {
  await client.run(replyScripts.expireLetters, letterKeys(tenant), [keptMs, limit, timeLength]);
}

const letterKeys = (tenant: string): string[] => [keys.deadLetters(tenant), keys.deadLetterOrder(tenant)];

const textOf = (letter: DeadLetter): string => JSON.stringify({ ...letter, bytes: letter.bytes.toString('base64') });

function letterOf(text: string): DeadLetter {
  const { bytes, ...rest }: Omit<DeadLetter, 'bytes'> & { bytes: string } = JSON.parse(text);
  return { ...rest, bytes: Buffer.from(bytes, 'base64') };
}
