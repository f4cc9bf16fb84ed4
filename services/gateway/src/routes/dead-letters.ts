import type { Letter, LetterSummary } from '@moltbot/intake';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { placedIn } from '../placed-in.ts';
import { problemResponses } from '../problem.ts';
import { isoTime, time } from '../time.ts';

const tags = ['dead letters'];

const Summary = z.object({
  id: z.string(),
  diedAt: time,
  reason: z.string().describe('`delivery_limit`, what its consumer said, or why it cannot be decoded.'),
  queue: z.string().optional().describe('Where it died: runs/<pool>/<tenant>/<priority> or replies/<platform>.'),
  kind: z.string().optional().describe('Absent when it cannot be decoded.'),
  task: z.string().optional(),
  run: z.string().optional(),
  resubmitted: z.int().describe('Times it was published again by itself before.'),
  size: z.int().describe('Bytes of the message.'),
});
const View = Summary.extend({
  message: z.record(z.string(), z.unknown()).optional().describe('The message, without secrets.'),
  bytes: z.string().optional().describe('Of what cannot be decoded: base64 of its first 64 KiB.'),
});

const LetterParams: z.ZodType<{ readonly id: string }, { readonly id: string }> = z.object({
  id: z.string().min(1).max(100).describe('Id of a dead letter.'),
});
const Listing = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(600).optional().describe('From the page before.'),
});

/** Look at what died on the bus, replay and drop it. */
export function deadLetterRoutes(app: App, context: GatewayContext): void {
  listDeadLetters(app, context);
  getDeadLetter(app, context);
  replayDeadLetter(app, context);
  dropDeadLetter(app, context);
}

function listDeadLetters(app: App, { deadLetters }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'listDeadLetters',
    summary: 'List dead letters, newest first',
    description: 'A page can be short and still have a cursor; the last page has none.',
    querystring: Listing,
    response: {
      200: z.object({ letters: z.array(Summary), cursor: z.string().optional() }).describe('A page of dead letters.'),
      ...problemResponses,
    },
  };
  app.get('/dead-letters', { schema }, async (request) => {
    const { letters, cursor } = await placedIn('/query', () => deadLetters.list(principalOf(request), request.query));
    return { letters: letters.map(toSummary), cursor };
  });
}

function getDeadLetter(app: App, { deadLetters }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'getDeadLetter',
    summary: 'A dead letter and its message',
    params: LetterParams,
    response: { 200: View.describe('The dead letter.'), ...problemResponses },
  };
  app.get('/dead-letters/:id', { schema }, async (request) =>
    toView(await deadLetters.get(principalOf(request), request.params.id)),
  );
}

function replayDeadLetter(app: App, { deadLetters }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'replayDeadLetter',
    summary: 'Have a dead letter done after all',
    description:
      'A reply is sent again; a run that is open is given to the executors again; a run that never ran is done by a new task. ' +
      'What may have run is refused: resolve it instead. The letter is dropped once this is safe.',
    params: LetterParams,
    response: {
      202: z
        .object({
          id: z.string(),
          task: z.string().optional().describe('The new task, where one was made.'),
        })
        .describe('It is on its way, and the letter is dropped.'),
      ...problemResponses,
    },
  };
  app.post('/dead-letters/:id/replay', { schema }, async (request, reply) => {
    const { id } = request.params;
    const replayed = await deadLetters.replay(principalOf(request), id);
    return reply.code(202).send({ id, ...(replayed.kind === 'task' && { task: replayed.taskId }) });
  });
}

function dropDeadLetter(app: App, { deadLetters }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'dropDeadLetter',
    summary: 'Drop a dead letter',
    params: LetterParams,
    response: { 200: z.object({ id: z.string() }).describe('It is dropped.'), ...problemResponses },
  };
  app.delete('/dead-letters/:id', { schema }, async (request) => {
    const { id } = request.params;
    await deadLetters.drop(principalOf(request), id);
    return { id };
  });
}

function toSummary({ taskId, runId, diedAt, ...rest }: LetterSummary): z.infer<typeof Summary> {
  return {
    ...rest,
    diedAt: isoTime(diedAt),
    ...(taskId !== undefined && { task: taskId }),
    ...(runId !== undefined && { run: runId }),
  };
}

const toView = ({ message, bytes, ...summary }: Letter): z.infer<typeof View> => ({
  ...toSummary(summary),
  ...(message && { message: { ...message } }),
  ...(bytes !== undefined && { bytes }),
});
