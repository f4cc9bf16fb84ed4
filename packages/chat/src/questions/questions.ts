import { createWatchers, type Store } from '@moltbot/store';
import { Question } from './question.ts';

/** Questions that wait for an answer, or have had one lately. Every call rejects with MOLT_STORE_DOWN. */
export interface Questions {
  /** Nothing when it was asked before. */
  ask(question: Question): Promise<void>;
  /** Undefined when it was asked long ago. */
  find(tenant: string, id: string): Promise<Question | undefined>;
  /** @returns the question with the decision that stands: this one, or the one before it; none when it came too late */
  decide(tenant: string, id: string, decision: NonNullable<Question['decision']>): Promise<Question | undefined>;
  /** Calls `wake` when it is decided by this process. @returns how to end that */
  watch(id: string, wake: () => void): () => void;
}

const kind = 'chat.questions';
/** How long a decision is waited for, ms. */
export const decideWithinMs: Readonly<Record<Question['kind'], number>> = {
  confirm: 3_600_000,
  stale: 3_600_000,
  approve: 86_400_000,
};
/** How long a question is remembered, ms. */
const keepMs = 7 * 24 * 3_600_000;

export function createQuestions(store: Pick<Store, 'getRecord' | 'putRecord'>): Questions {
  const wakers = createWatchers();
  const read = async (tenant: string, id: string) => {
    const record = await store.getRecord({ tenant, kind, id });
    return record && { question: Question.parse(JSON.parse(record.value)), version: record.version };
  };
  return {
    async ask(question) {
      const name = { tenant: question.tenant, kind, id: question.id };
      await store.putRecord(name, JSON.stringify(question), { version: 0, keepMs });
    },
    find: async (tenant, id) => (await read(tenant, id))?.question,
    async decide(tenant, id, decision) {
      const known = await read(tenant, id);
      if (!known || known.question.decision || decision.at >= known.question.expiresAt) return known?.question;
      const decided = { ...known.question, decision };
      const write = { version: known.version, keepMs };
      if ((await store.putRecord({ tenant, kind, id }, JSON.stringify(decided), write)) === undefined)
        return (await read(tenant, id))?.question;
      wakers.wake(id);
      return decided;
    },
    watch: wakers.add,
  };
}
