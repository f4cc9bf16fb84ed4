import type { Answer, ChatMessage, Tone } from '@moltbot/chat';
import { MoltError } from '@moltbot/shared';

/** The answer to a press: a line that only who pressed sees, if it is short and comes in time. */
export interface ButtonAnswer extends Answer {
  /** Waits until there is an answer, the work is done, or it takes too long. @returns what the platform is told */
  settle(work: Promise<void>): Promise<object>;
}

const toasts = {
  working: 'info',
  success: 'success',
  failure: 'error',
  warning: 'warning',
  neutral: 'info',
} as const satisfies Readonly<Record<Tone, string>>;
const longest = 200;

/** @param withinMs after that nothing is taken any more */
export function createButtonAnswer(withinMs: number): ButtonAnswer {
  const given = Promise.withResolvers<object>();
  let isOver = false;
  const end = (answer: object): void => {
    isOver = true;
    given.resolve(answer);
  };
  const timer = setTimeout(() => end({}), withinMs);
  return {
    async defer() {
      throw new MoltError('MOLT_CHAT_GONE', 'Lark has no message that stands for an answer to come');
    },
    async whisper(message) {
      const content = lineOf(message);
      if (isOver) throw new MoltError('MOLT_CHAT_GONE', 'the press was answered already');
      if (content === undefined) throw new MoltError('MOLT_CHAT_GONE', 'the answer is too long for a toast');
      end({ toast: { type: toasts[message.tone], content } });
    },
    async settle(work) {
      work.then(
        () => end({}),
        () => end({}),
      );
      const answer = await given.promise;
      clearTimeout(timer);
      return answer;
    },
  };
}

/** A message that fits into one line; undefined when it has more than words, or too many. */
function lineOf({ title, text = [], fields, code, table, links, buttons }: ChatMessage): string | undefined {
  const parts = [fields, code, table?.rows, links, buttons];
  if (parts.some((part) => part !== undefined && part.length > 0)) return undefined;
  const line = [title, ...text].filter((each) => each !== undefined && each !== '').join(' — ');
  return line !== '' && line.length <= longest ? line : undefined;
}
