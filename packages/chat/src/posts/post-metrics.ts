import { asMoltError, counter, gauge, histogram, type Registry } from '@moltbot/shared';

/** What becomes of answers, and of the calls they take. */
export interface PostMetrics {
  /** From the making of a post to its first message, s. */
  answered(seconds: number): void;
  ended(as: 'shown' | 'refused'): void;
  /** Answers that this instance keeps now. */
  open(count: number): void;
  /** Counts a call by its outcome. */
  call<T>(name: 'post' | 'edit' | 'attach', work: () => Promise<T>): Promise<T>;
}

export function createPostMetrics(
  registry: Registry,
  { name: platform, account }: { readonly name: string; readonly account: string },
): PostMetrics {
  const labels = { platform, account };
  const calls = counter(registry, {
    name: 'moltbot_chat_calls_total',
    help: 'Calls to chat platforms, by what became of them.',
    labelNames: ['platform', 'account', 'call', 'outcome'],
  });
  const ends = counter(registry, {
    name: 'moltbot_chat_answers_total',
    help: 'Answers that are done: shown, or refused by the platform.',
    labelNames: ['platform', 'account', 'as'],
  });
  const latency = histogram(registry, {
    name: 'moltbot_chat_answer_seconds',
    help: 'From accepting a command to its first message.',
    labelNames: ['platform', 'account'],
  });
  const kept = gauge(registry, {
    name: 'moltbot_chat_answers_open',
    help: 'Answers that this instance keeps up to date.',
    labelNames: ['platform', 'account'],
  });
  return {
    answered: (seconds) => latency.observe(labels, seconds),
    open: (count) => kept.set(labels, count),
    ended: (as) => ends.inc({ ...labels, as }),
    async call(call, work) {
      try {
        const result = await work();
        calls.inc({ ...labels, call, outcome: 'ok' });
        return result;
      } catch (error) {
        calls.inc({ ...labels, call, outcome: asMoltError(error).code });
        throw error;
      }
    },
  };
}
