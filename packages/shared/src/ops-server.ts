import { createServer, type Server } from 'node:http';
import { cannotListen } from './cannot-listen.ts';
import type { Registry } from './metrics.ts';
import type { Service, ServiceHealth } from './service.ts';

export interface OpsServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly registry: Registry;
  /** Readiness: everything the process depends on. */
  readonly ready: () => ServiceHealth;
}

export interface OpsServer extends Service {
  /** The port in use, once started. */
  port(): number;
}

/** `/healthz` (the process answers), `/readyz` (it can work) and `/metrics` for processes that serve no other HTTP. */
export function createOpsServer(options: OpsServerOptions): OpsServer {
  const { host, port } = options;
  let server: Server | undefined;
  const answer = async (path: string): Promise<{ status: number; type: string; body: string }> => {
    if (path === '/healthz') return { status: 200, type: 'application/json', body: '{"ok":true}' };
    if (path === '/metrics')
      return { status: 200, type: options.registry.contentType, body: await options.registry.metrics() };
    if (path !== '/readyz') return { status: 404, type: 'application/json', body: '{"ok":false}' };
    const health = options.ready();
    return { status: health.ok ? 200 : 503, type: 'application/json', body: JSON.stringify(health) };
  };
  return {
    name: 'ops-server',
    async start() {
      const created = createServer((request, response) => {
        answer(request.url ?? '/').then(
          ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
          () => response.writeHead(500).end(),
        );
      });
      server = created;
      await new Promise<void>((resolve, reject) => {
        created.once('error', (error) => reject(cannotListen(error, { section: 'executor.ops', host, port })));
        created.listen(port, host, resolve);
      });
    },
    async quiesce() {},
    async stop() {
      const current = server;
      server = undefined;
      if (!current) return;
      current.closeAllConnections();
      await new Promise<void>((resolve) => current.close(() => resolve()));
    },
    health: () => ({ ok: server !== undefined }),
    port() {
      const address = server?.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    },
  };
}
