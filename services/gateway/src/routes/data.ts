import { runStates } from '@moltbot/shared';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import { chooseRun, runChoice } from '../choose-run.ts';
import type { App, GatewayContext } from '../context.ts';
import { findTask, TaskParams } from '../find-task.ts';
import { problemResponses } from '../problem.ts';
import { runData } from '../run-view.ts';

const RunDataView = z.object({
  run: z.string().describe('Id of the run.'),
  target: z.string(),
  state: z.enum(runStates),
  data: runData.optional().describe('Absent when the action gave none, or has not ended.'),
});

/** What the action of one run gave as data. */
export function dataRoutes(app: App, { store }: GatewayContext): void {
  const schema = {
    tags: ['tasks'],
    operationId: 'getData',
    summary: 'The data of a run',
    params: TaskParams,
    querystring: z.strictObject(runChoice),
    response: { 200: RunDataView.describe('The data.'), ...problemResponses },
  };
  app.get('/tasks/:id/data', { schema }, async (request) => {
    const { task } = await findTask(store, principalOf(request), request.params.id);
    const runs = await store.getRuns(task.principal.tenant, task.id);
    const { id: run, target, state, data } = chooseRun(runs, request.query);
    return { run, target, state, data };
  });
}
