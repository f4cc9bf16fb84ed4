import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { errorCatalog } from '@moltbot/shared';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { App, GatewayContext } from '../context.ts';

/** The page may load what this server serves, and nothing else. */
const pagePolicy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/** Collects the schemas of the routes that are registered after it. */
export async function describeApi(app: App, { botName }: GatewayContext): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `${botName} API`, version: '1', description: 'Run commands on a fleet, and follow them.' },
      tags: [
        { name: 'tasks', description: 'Start, follow and cancel commands.' },
        { name: 'inventory', description: 'What there is to run, and what to run it on.' },
        { name: 'dead letters', description: 'What could not be handled: look, have it done after all, drop it.' },
        { name: 'notifications', description: 'What people were told, and trying their channels.' },
        { name: 'operation', description: 'For probes and Prometheus.' },
      ],
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'mb_<tenant>_<id>_<secret>' } },
      },
      security: [{ apiKey: [] }],
    },
    transform: jsonSchemaTransform,
  });
}

/** /docs, /docs/json and /docs/errors. */
export async function docsRoutes(app: App): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: pagePolicy,
    uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: true },
  });
  app.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', "default-src 'none'").send(errorPage),
  );
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Where the `type` of every problem leads. */
const errorPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Errors</title></head><body><h1>Errors</h1>
${Object.entries(errorCatalog)
  .map(
    ([code, { status, title, remedy }]) =>
      `<h2 id="${code}">${code}</h2><p>${escaped(title)} (HTTP ${status}). ${escaped(remedy)}</p>`,
  )
  .join('\n')}
</body></html>
`;
