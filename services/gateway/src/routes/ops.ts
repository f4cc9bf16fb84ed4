import type { ServiceHealth } from '@moltbot/shared';
import { z } from 'zod';
import type { App, GatewayContext } from '../context.ts';

const tags = ['operation'];
const Health = z.object({ ok: z.boolean(), detail: z.string().optional() });

/** What probes and Prometheus ask; open to all, so nothing here names a tenant. */
export function opsRoutes(app: App, context: GatewayContext): void {
  const health = {
    tags,
    operationId: 'health',
    summary: 'The process answers',
    security: [],
    response: { 200: Health.describe('It does.') },
  };
  app.get('/healthz', { schema: health }, async () => ({ ok: true }));

  const readiness = {
    tags,
    operationId: 'readiness',
    summary: 'The process can work',
    security: [],
    response: { 200: Health.describe('It can.'), 503: Health.describe('Not now; `detail` says why.') },
  };
  app.get('/readyz', { schema: readiness, config: { probe: true } }, async (_request, reply) => {
    const now = readinessOf(context);
    return reply.code(now.ok ? 200 : 503).send(now);
  });

  const metrics = {
    tags,
    operationId: 'metrics',
    summary: 'Figures for Prometheus',
    security: [],
    response: { 200: { description: 'Prometheus text.', content: { 'text/plain': { schema: z.string() } } } },
  };
  app.get('/metrics', { schema: metrics }, async (_request, reply) => {
    reply.type(context.registry.contentType);
    return reply.send(await context.registry.metrics());
  });
}

const readinessOf = ({ traffic, ready }: GatewayContext): ServiceHealth =>
  traffic.draining() ? { ok: false, detail: 'stopping' } : ready();
