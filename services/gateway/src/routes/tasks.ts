import { MoltError, taskStates } from '@moltbot/shared';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { checkTaskId, findTask, noTask, TaskParams } from '../find-task.ts';
import { placedIn } from '../placed-in.ts';
import { problemResponses } from '../problem.ts';
import { readTaskView, TaskSummary, TaskView, toTaskSummary } from '../task-view.ts';

const tags = ['tasks'];
const State = z.enum(taskStates);

const States = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().flatMap((list) => list.split(',')))
  .pipe(z.array(State));
const Instant = z.iso.datetime({ offset: true, error: 'write an ISO-8601 time such as 2026-01-31T08:00:00Z' });

const Listing = z.strictObject({
  state: States.optional().describe('One or more states, repeated or with commas between.'),
  action: z.string().min(1).max(200).optional(),
  since: Instant.transform(Date.parse).optional().describe('Accepted at this time or later.'),
  until: Instant.transform(Date.parse).optional().describe('Accepted before this time.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(512).optional().describe('From the page before.'),
});

/** List, read and cancel tasks. */
export function taskRoutes(app: App, context: GatewayContext): void {
  listTasks(app, context);
  getTask(app, context);
  cancelTask(app, context);
}

function listTasks(app: App, { store }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'listTasks',
    summary: 'List tasks, newest first',
    description: 'A page can be short and still have a cursor; the last page has none.',
    querystring: Listing,
    response: {
      200: z.object({ tasks: z.array(TaskSummary), cursor: z.string().optional() }).describe('A page of tasks.'),
      ...problemResponses,
    },
  };
  app.get('/tasks', { schema }, async (request) => {
    const { state: states, ...rest } = request.query;
    const { tenant } = principalOf(request);
    const { tasks, cursor } = await placedIn('/query', () => store.listTasks(tenant, { states, ...rest }));
    return { tasks: tasks.map(toTaskSummary), cursor };
  });
}

function getTask(app: App, { store }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'getTask',
    summary: 'A task, its runs and the end of their output',
    params: TaskParams,
    response: { 200: TaskView.describe('The task.'), ...problemResponses },
  };
  app.get('/tasks/:id', { schema }, async (request) =>
    readTaskView(store, await findTask(store, principalOf(request), request.params.id)),
  );
}

function cancelTask(app: App, { intake }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'cancelTask',
    summary: 'Cancel a task',
    description:
      '202 when the cancel is on its way: the task is cancelled once every process of it is seen to be gone.',
    params: TaskParams,
    response: {
      202: z.object({ id: z.string(), state: State }).describe('The cancel is on its way.'),
      ...problemResponses,
    },
  };
  app.post('/tasks/:id/cancel', { schema }, async (request, reply) => {
    const id = checkTaskId(request.params.id);
    const outcome = await intake.cancel(principalOf(request), id);
    if (outcome.kind === 'absent') throw noTask(id);
    if (outcome.kind === 'final')
      throw new MoltError('MOLT_TASK_FINAL', `the task is ${outcome.state}`, { details: { state: outcome.state } });
    return reply.code(202).send({ id, state: outcome.state });
  });
}
