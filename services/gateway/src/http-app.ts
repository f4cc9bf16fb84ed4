import type { Socket } from 'node:net';
import { MoltError, newId } from '@moltbot/shared';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { App, GatewayContext } from './context.ts';
import { badJson, toMoltError } from './http-error.ts';
import { problemType, toProblem } from './problem.ts';
import { observeRequests } from './request-log.ts';

/** Longest time a client may take to send a request. */
const requestTimeoutMs = 30_000;
/** What Retry-After says when the error does not know better. */
const defaultRetryAfterMs = 2_000;
const requestIdPattern = /^[\x21-\x7e]{1,128}$/;

/** The HTTP server without routes: parsing, schemas both ways, errors as problems, headers every answer has. */
export function createHttpApp(context: GatewayContext): App {
  const { config } = context;
  const app = fastify({
    bodyLimit: config.bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    genReqId: ({ headers }) => acceptedRequestId(headers['x-request-id']) ?? newId(),
    clientErrorHandler: (error, socket) => refuseBytes(error, socket),
    frameworkErrors: (error, request, reply) => sendError(context, error, request, reply),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => sendError(context, error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendError(context, new MoltError('MOLT_NOT_FOUND', `no ${request.method} ${pathOf(request)}`), request, reply),
  );
  acceptOnlyJson(app);
  observeRequests(app, context);
  return app;
}

const acceptedRequestId = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && requestIdPattern.test(header) ? header : undefined;

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '/';

function acceptOnlyJson(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    // An empty body is no body: many clients name a type for a POST that carries nothing.
    if (body.length === 0) done(null, undefined);
    else void parse(request, body, (error, value) => (error ? done(badJson(body)) : done(null, value)));
  });
}

function sendError(context: GatewayContext, thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = toMoltError(thrown, context.config.bodyLimitBytes);
  if (error.code === 'MOLT_INTERNAL') context.log.error({ requestId: request.id, err: thrown }, 'a request failed');
  for (const [name, value] of Object.entries(errorHeaders(error))) reply.header(name, value);
  // Sent as text: an error answer must not depend on a schema. The id again: hooks do not run for a URL that cannot be read.
  void reply
    .code(error.status)
    .header('x-request-id', request.id)
    .type(problemType)
    .send(JSON.stringify(toProblem(error, { path: pathOf(request), id: request.id })));
}

/** Bytes that never became a request: there is no reply to send by, only the socket. */
function refuseBytes(cause: Error & { readonly code?: string }, socket: Socket): void {
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const why = cause.code === 'HPE_HEADER_OVERFLOW' ? 'the headers are longer than 16 KiB' : 'this is not HTTP';
  const error = new MoltError('MOLT_BAD_REQUEST', why, { remedy: 'Send an HTTP/1.1 request; /docs shows how.' });
  const body = JSON.stringify(toProblem(error, { path: '/', id: newId() }));
  const head = `content-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  socket.end(`HTTP/1.1 400 Bad Request\r\n${head}\r\n\r\n${body}`);
}

function errorHeaders(error: MoltError): Record<string, string> {
  const { retryAfterMs, total } = error.details;
  if (error.code === 'MOLT_RANGE') return { 'content-range': `bytes */${String(total)}` };
  if (error.status === 401) return { 'www-authenticate': 'Bearer' };
  if (error.status !== 429 && error.status !== 503) return {};
  const ms = typeof retryAfterMs === 'number' ? retryAfterMs : defaultRetryAfterMs;
  return { 'retry-after': String(Math.max(1, Math.ceil(ms / 1_000))) };
}
