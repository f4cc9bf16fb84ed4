import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { checkTaskId } from '../find-task.ts';
import { problemResponses } from '../problem.ts';
import { resolvedAs } from '../run-view.ts';

const RunParams: z.ZodType<{ readonly id: string; readonly index: number }, { id: string; index: string }> = z.object({
  id: z.string().max(100).describe('Id of a task.'),
  index: z
    .string()
    .regex(/^\d{1,9}$/, 'write the place of the run in its task, 0 and up')
    .transform(Number)
    .describe('Place of the run in its task, 0 and up: what follows the dot in its id.'),
});

const Finding = z.strictObject({
  as: resolvedAs.describe(
    'done: it did what it should, or that does not matter any more. rerun: a new task does it again.',
  ),
  note: z.string().min(1).max(1_000).optional().describe('What was found out.'),
});

/** A person says what became of an unknown run. */
export function resolveRunRoute(app: App, { intake }: GatewayContext): void {
  const schema = {
    tags: ['tasks'],
    operationId: 'resolveRun',
    summary: 'Say what became of a run that ended unknown',
    description:
      'Once for each run; its state stays. The same run is done again by one new task, however often it is asked for.',
    params: RunParams,
    body: Finding,
    response: {
      200: z
        .object({
          run: z.string(),
          as: resolvedAs,
          taskId: z.string().optional().describe('The task that does it again.'),
        })
        .describe('It is noted.'),
      ...problemResponses,
    },
  };
  app.post('/tasks/:id/runs/:index/resolve', { schema }, async (request) => {
    const { id, index } = request.params;
    const { runId, as, taskId } = await intake.resolve(principalOf(request), {
      taskId: checkTaskId(id),
      index,
      ...request.body,
    });
    return { run: runId, as, taskId };
  });
}
