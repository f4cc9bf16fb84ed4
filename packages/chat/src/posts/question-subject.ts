import type { Questions } from '../questions/questions.ts';
import { questionToMessage } from '../render/question-to-message.ts';
import { texts } from '../texts/texts.ts';
import type { Post } from './post.ts';
import type { Subject } from './subject.ts';

/** A question, until somebody decides it or nobody has in time. */
export function createQuestionSubject(
  questions: Questions,
  now: () => number,
  { tenant, language }: Post,
  id: string,
): Subject {
  return {
    async look() {
      const question = await questions.find(tenant, id);
      if (!question)
        return { message: { tone: 'neutral', text: [texts(language).questions.decided.expire] }, isFinal: true };
      const isExpired = question.decision === undefined && now() >= question.expiresAt;
      const isFinal = isExpired || question.decision !== undefined;
      return { message: questionToMessage({ ...question, isExpired }), isFinal };
    },
    watch: (wake) => questions.watch(id, wake),
    files: async () => [],
  };
}
