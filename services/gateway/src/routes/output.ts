import type { Readable } from 'node:stream';
import { isFinal, MoltError, type RunRecord } from '@moltbot/shared';
import type { OutputStream } from '@moltbot/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import { type ByteRange, parseByteRange } from '../byte-range.ts';
import { chooseRun, runChoice } from '../choose-run.ts';
import type { App, GatewayContext, TaskReader } from '../context.ts';
import { findTask, TaskParams } from '../find-task.ts';
import { toStream } from '../pieces-to-stream.ts';
import { problemResponses } from '../problem.ts';

/** Read from the store at a time; with the socket's buffer, all the memory a download takes. */
const pageBytes = 256 * 1_024;

const Selection = z.strictObject({
  ...runChoice,
  stream: z.enum(['stdout', 'stderr']).default('stdout'),
});

const body = z.custom<Readable>().meta({ type: 'string', format: 'binary' });
const content = { 'application/octet-stream': { schema: body }, 'text/plain': { schema: body } };

/** The bytes of one stream of one run. */
export function outputRoutes(app: App, context: GatewayContext): void {
  const schema = {
    tags: ['tasks'],
    operationId: 'getOutput',
    summary: 'The whole output of a run, or a range of its bytes',
    description:
      'The bytes as the command wrote them. `x-molt-complete: false` says that more may come; ask again with a range from ' +
      'the length you have. Sent as text/plain when the Accept header names it, else as application/octet-stream.',
    params: TaskParams,
    querystring: Selection,
    response: {
      200: { description: 'The output as far as it is there.', content },
      206: { description: 'The range asked for.', content },
      ...problemResponses,
    },
  };
  app.get(
    '/tasks/:id/output',
    { schema, exposeHeadRoute: false, config: { lasting: true } },
    async (request, reply) => {
      const { tenant } = principalOf(request);
      const { task } = await findTask(context.store, principalOf(request), request.params.id);
      const run = chooseRun(await context.store.getRuns(tenant, task.id), request.query);
      const source = { tenant, runId: run.id, stream: request.query.stream };
      const total = await storedBytes(context.store, source, run);
      const range = rangeOf(request, total);
      describeOutput(request, reply, { run, range, total });
      return reply.send(toStream(context, reply, pages(context.store, source, range ?? { from: 0, to: total })));
    },
  );
}

interface Source {
  readonly tenant: string;
  readonly runId: string;
  readonly stream: OutputStream;
}

async function storedBytes(store: TaskReader, source: Source, run: RunRecord): Promise<number> {
  const expected = source.stream === 'stdout' ? run.stdoutBytes : run.stderrBytes;
  const start = await store.readOutput(source.tenant, source.runId, source.stream, 0, 1);
  if (expected > 0 && (start?.data.length ?? 0) === 0)
    throw new MoltError('MOLT_NOT_FOUND', `the ${expected} bytes of output are past their retention`, {
      remedy: 'Raise retention.output to keep output longer.',
    });
  return start?.total ?? 0;
}

/** We send no validator, so one in If-Range can never match: RFC 9110 §13.1.5 asks for the whole then. */
const rangeOf = ({ headers }: FastifyRequest, total: number): ByteRange | undefined =>
  headers['if-range'] === undefined ? parseByteRange(headers.range, total) : undefined;

function describeOutput(
  request: FastifyRequest,
  reply: FastifyReply,
  { run, range, total }: { readonly run: RunRecord; readonly range: ByteRange | undefined; readonly total: number },
): void {
  const asText = request.headers.accept?.includes('text/plain') ?? false;
  reply
    .code(range ? 206 : 200)
    .type(asText ? 'text/plain; charset=utf-8' : 'application/octet-stream')
    .header('accept-ranges', 'bytes')
    .header('content-length', range ? range.to - range.from : total)
    .header('x-molt-run-state', run.state)
    // The state was read before the bytes: when it is final, these are all there will be.
    .header('x-molt-complete', String(isFinal(run.state)));
  if (range) reply.header('content-range', `bytes ${range.from}-${range.to - 1}/${total}`);
}

async function* pages(store: TaskReader, source: Source, { from, to }: ByteRange): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const slice = await store.readOutput(source.tenant, source.runId, source.stream, at, Math.min(pageBytes, to - at));
    // Gone while we sent it: breaking the connection is the only honest way left to say so.
    if (!slice || slice.data.length === 0)
      throw new MoltError('MOLT_INTERNAL', `output of ${source.runId} ended at ${at}`);
    yield slice.data;
    at += slice.data.length;
  }
}
