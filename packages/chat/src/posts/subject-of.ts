import type { Clock } from '@moltbot/shared';
import type { ChatMessage } from '../message.ts';
import type { Notices } from '../notices/notices.ts';
import type { PlatformLimits } from '../platform.ts';
import type { Questions } from '../questions/questions.ts';
import { createNoticeSubject } from './notice-subject.ts';
import { outputToFile } from './output-to-file.ts';
import type { Post } from './post.ts';
import { createQuestionSubject } from './question-subject.ts';
import type { Subject } from './subject.ts';
import { createTaskSubject, type TaskSubjectDeps } from './task-subject.ts';

export interface SubjectDeps {
  readonly store: TaskSubjectDeps['store'];
  readonly posts: TaskSubjectDeps['posts'];
  readonly questions: Questions;
  readonly notices: Notices;
  readonly limits: PlatformLimits;
  readonly clock: Pick<Clock, 'now'>;
}

/** What a post is about. */
export function subjectOf(deps: SubjectDeps, post: Post): Subject {
  const { subject } = post;
  switch (subject.kind) {
    case 'task':
      return createTaskSubject(deps, post, subject.taskId, subject.ended);
    case 'question':
      return createQuestionSubject(deps.questions, deps.clock.now, post, subject.id);
    case 'notice':
      return createNoticeSubject(deps.notices, post, subject.id);
    case 'output':
      return { ...unchanging(subject.message), files: () => outputOf(deps, post.tenant, subject.taskId) };
    case 'words':
      return unchanging(subject.message);
  }
}

const unchanging = (message: ChatMessage): Subject => ({
  look: async () => ({ message, isFinal: true }),
  watch: () => () => {},
  files: async () => [],
});

async function outputOf({ store, limits }: SubjectDeps, tenant: string, taskId: string): ReturnType<Subject['files']> {
  const task = await store.getTask(tenant, taskId);
  if (!task) return [];
  const runs = await store.getRuns(tenant, taskId);
  return [() => outputToFile(store, { tenant, task, runs, maxBytes: limits.fileBytes })];
}
