import type { Submission, Submitted } from '@moltbot/intake';
import {
  durationPattern,
  MoltError,
  type Principal,
  parseDuration,
  TaskRequest,
  type TaskState,
  taskStates,
} from '@moltbot/shared';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { placedIn } from '../placed-in.ts';
import { problemResponses } from '../problem.ts';
import { TaskView } from '../task-view.ts';
import { traceIdOf } from '../trace-context.ts';
import { waitForTask } from '../wait-for-task.ts';

const Accepted = z.object({
  id: z.string(),
  state: z.enum(taskStates),
  links: z.object({ self: z.string(), output: z.string(), events: z.string() }),
});

const Wait = z.strictObject({
  wait: z
    .string()
    .regex(durationPattern, 'write a number and a unit: 500ms, 30s, 1m')
    .transform(parseDuration)
    .optional()
    .describe('Wait this long for the task to end, such as 30s; longer than gateway.maxWait counts as that.'),
});

const IdempotencyKey = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'write 1 to 255 visible ASCII characters')
    .optional()
    .describe('The same key and body give the same task, however often they are sent.'),
});

/** Takes a command in, and waits for its end when asked to. */
export function startTaskRoute(app: App, context: GatewayContext): void {
  const schema = {
    tags: ['tasks'],
    operationId: 'startTask',
    summary: 'Start a task',
    description:
      '202 once every run of it is safe in its queue. With `wait`: 200 and the whole task when it ends in time.',
    body: TaskRequest,
    querystring: Wait,
    headers: IdempotencyKey,
    response: {
      200: TaskView.describe('The task ended within `wait`.'),
      202: Accepted.describe('The task is accepted.'),
      ...problemResponses,
    },
  };
  app.post('/tasks', { schema }, async (request, reply) => {
    const principal = principalOf(request);
    const submitted = await submit(context, request, {
      request: request.body,
      idempotencyKey: request.headers['idempotency-key'],
    });
    const { taskId, created } = submitted;
    if (!created) reply.header('idempotency-replayed', 'true');
    const ms = Math.min(request.query.wait ?? 0, context.config.maxWaitMs);
    if (ms > 0) {
      const signal = context.traffic.wantedUntil(reply.raw, 'hurry');
      const task = submitted.created ? submitted.task : undefined;
      const ended = await waitForTask(context, { tenant: principal.tenant, taskId, ms, task, signal });
      if (ended) return reply.code(200).send(ended);
    }
    const state = created && ms === 0 ? 'queued' : await stateNow(context, principal, taskId);
    const self = `/v1/tasks/${taskId}`;
    reply.header('location', self);
    const links = { self, output: `${self}/output`, events: `${self}/events` };
    return reply.code(202).send({ id: taskId, state, links });
  });
}

async function submit(
  { intake, traffic, metrics }: GatewayContext,
  http: FastifyRequest,
  asked: Pick<Submission, 'request' | 'idempotencyKey'>,
): Promise<Submitted> {
  if (traffic.draining()) throw new MoltError('MOLT_SHUTTING_DOWN', 'this gateway takes no new tasks');
  const submission = {
    ...asked,
    principal: principalOf(http),
    origin: { kind: 'http', requestId: http.id },
    trace: traceIdOf(http.headers['traceparent']),
  } as const;
  const submitted = await placedIn('/body', () => intake.submit(submission));
  if (submitted.created) metrics.accepted.inc({ action: asked.request.action });
  return submitted;
}

/** The task is accepted: a store that cannot say its state now is no reason to answer with an error. */
async function stateNow({ store, log }: GatewayContext, principal: Principal, taskId: string): Promise<TaskState> {
  try {
    return (await store.getTask(principal.tenant, taskId))?.state ?? 'queued';
  } catch (err) {
    log.debug({ err, taskId }, 'the state of an accepted task could not be read');
    return 'queued';
  }
}
