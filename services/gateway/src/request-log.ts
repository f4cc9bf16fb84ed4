import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App, GatewayContext } from './context.ts';

const slowMs = 1_000;

/** Counts, measures and logs every request, and puts the headers on it that all answers have. */
export function observeRequests(app: App, context: GatewayContext): void {
  app.addHook('onRequest', (request, reply, done) => {
    const startedAt = context.clock.monotonic();
    context.traffic.track(reply.raw);
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    // `close` comes however the exchange ends; fastify's onResponse does not when the client leaves first.
    reply.raw.once('close', () => record(context, request, reply, context.clock.monotonic() - startedAt));
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (context.traffic.draining()) reply.header('connection', 'close');
    done(null, payload);
  });
}

function record(context: GatewayContext, request: FastifyRequest, reply: FastifyReply, ms: number): void {
  const route = request.routeOptions.url ?? 'none';
  const status = reply.raw.statusCode;
  context.metrics.requests.observe(
    { method: request.method, route, status: `${Math.floor(status / 100)}xx` },
    ms / 1_000,
  );
  // False: the client left, or the response broke off.
  const whole = reply.raw.writableFinished;
  const fields = { requestId: request.id, method: request.method, route, status, ms: Math.round(ms), whole };
  if (status >= 500 && !request.routeOptions.config.probe) context.log.warn(fields, 'request failed');
  else if (ms >= slowMs && !isMeantToLast(request)) context.log.info(fields, 'slow request');
  else context.log.debug(fields, 'request');
}

const isMeantToLast = (request: FastifyRequest): boolean =>
  request.routeOptions.config.lasting === true || request.url.includes('wait=');

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A response of this route may take as long as its task. */
    lasting?: boolean;
    /** A red answer of this route is its job: probes repeat it every second. */
    probe?: boolean;
  }
}
