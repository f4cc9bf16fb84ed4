import type { Readable } from 'node:stream';
import { MoltError } from '@moltbot/shared';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { parseEventId } from '../event-id.ts';
import { findTask, TaskParams } from '../find-task.ts';
import { toStream } from '../pieces-to-stream.ts';
import { problemResponses } from '../problem.ts';
import { taskToEvents } from '../task-to-events.ts';

const eventStream = z.custom<Readable>().meta({ type: 'string' });

const description = `Server-sent events: \`task\` {state, at}, \`run\` {run, target, state, exitCode?, signal?, errorCode?, retryAt?, at},
\`resolved\` {run, target, as, by, at}, \`output\` {run, target, stream, offset, at, text | base64 | missingBytes}, and \`end\` {state} when the task is final and all was sent.
\`offset\` counts the bytes of the stream. An output event has \`text\` when its bytes are UTF-8 by themselves, else \`base64\`
(a character can be split between two events); \`missingBytes\` when they are past their retention.
A stream that stops without \`end\` is resumed with Last-Event-ID, without loss or repeat.`;

/** What happens to a task, as it happens. */
export function eventRoutes(app: App, context: GatewayContext): void {
  const schema = {
    tags: ['tasks'],
    operationId: 'followTask',
    summary: 'Follow a task as it runs',
    description,
    params: TaskParams,
    querystring: z.strictObject({
      after: z.string().max(40).optional().describe('As Last-Event-ID, for clients that cannot set headers.'),
    }),
    headers: z.object({ 'last-event-id': z.string().max(40).optional().describe('The last `id` received.') }),
    response: {
      200: { description: 'The events.', content: { 'text/event-stream': { schema: eventStream } } },
      ...problemResponses,
    },
  };
  app.get(
    '/tasks/:id/events',
    { schema, exposeHeadRoute: false, config: { lasting: true } },
    async (request, reply) => {
      const { traffic, store } = context;
      if (traffic.draining()) throw new MoltError('MOLT_SHUTTING_DOWN', 'this gateway opens no new streams');
      const principal = principalOf(request);
      const from = parseEventId(request.headers['last-event-id'] || request.query.after || '0');
      const record = await findTask(store, principal, request.params.id);
      const runs = await store.getRuns(principal.tenant, record.task.id);
      const targets = new Map(runs.map((run) => [run.id, run.target]));
      const signal = traffic.wantedUntil(reply.raw, 'drain');
      // Else a client would come back to a stopping process over this connection, be answered 503, and give up.
      reply.header('connection', 'close');
      // Proxies buffer by default; an event that waits in a buffer is no event.
      reply
        .type('text/event-stream')
        .header('cache-control', 'no-store, no-transform')
        .header('x-accel-buffering', 'no');
      return reply.send(toStream(context, reply, taskToEvents(context, { record, targets, from, signal })));
    },
  );
}
