import {
  type ErrorCode,
  type ErrorPlace,
  errorCodes,
  type MoltError,
  type TaskState,
  taskStates,
} from '@moltbot/shared';
import { z } from 'zod';

export const problemType = 'application/problem+json';

/** Places in one answer: a body of mistakes must not be answered by a larger one. */
const placesAtMost = 50;

/** What every error answer is (RFC 9457). */
export interface Problem {
  /** Relative URL of the page that explains the code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly remedy: string;
  /** Path of the request. */
  readonly instance: string;
  /** The value of x-request-id; the log has it too. */
  readonly requestId: string;
  /** Of the task, with MOLT_TASK_FINAL. */
  readonly state?: TaskState | undefined;
  readonly errors?: readonly ErrorPlace[] | undefined;
}

export const Problem: z.ZodType<Problem> = z.object({
  type: z.string().describe('Relative URL of the page that explains the code.'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What was wrong this time.'),
  code: z.enum(errorCodes),
  remedy: z.string().describe('What to do about it.'),
  instance: z.string().describe('Path of the request.'),
  requestId: z.string(),
  state: z.enum(taskStates).optional().describe('State of the task, with MOLT_TASK_FINAL.'),
  errors: z
    .array(z.object({ path: z.string().describe('JSON pointer, such as /body/args/command.'), message: z.string() }))
    .optional(),
});

/** Response schemas of the errors any route may answer with. */
export const problemResponses: Readonly<Record<'4xx' | '5xx', ProblemResponse>> = {
  '4xx': { description: 'The request cannot be met as it is.', content: { [problemType]: { schema: Problem } } },
  '5xx': { description: 'Moltbot or what it depends on failed.', content: { [problemType]: { schema: Problem } } },
};

interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly [problemType]: { readonly schema: z.ZodType<Problem> } };
}

/** An error as its answer. The message of a defect stays inside: only the log has it. */
export function toProblem(error: MoltError, request: { readonly path: string; readonly id: string }): Problem {
  const state = taskStates.find((each) => each === error.details['state']);
  return {
    type: `/docs/errors#${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.code === 'MOLT_INTERNAL' ? 'something failed that should not; the log has the reason' : error.message,
    code: error.code,
    remedy: error.remedy,
    instance: request.path,
    requestId: request.id,
    ...(state && { state }),
    ...(error.places.length > 0 && { errors: error.places.slice(0, placesAtMost) }),
  };
}
