import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Files } from './files.ts';
import type { Gateway } from './gateway.ts';
import type { Page } from './page/page.ts';
import type { RestServer } from './rest-server.ts';
import type { Settings } from './settings.ts';

/** One port for the API, the gateway, the CDN and the page. */
export interface HttpServer {
  /** Takes the port it was given at first, again after `close`. */
  open(): Promise<void>;
  /** Cuts every connection and lets the port go. */
  close(): Promise<void>;
  port(): number;
  /** Where clients find it: `http://127.0.0.1:port` */
  url(): string;
}

interface Deps {
  readonly settings: Settings;
  readonly rest: RestServer;
  readonly files: Files;
  readonly page: Page;
  readonly gateway: Gateway;
}

export function createHttpServer({ settings, rest, files, page, gateway }: Deps): HttpServer {
  let port = settings.port ?? 0;
  let server: Server | undefined;
  /** Connections that became gateway connections are not the HTTP server's any more. */
  const upgraded = new Set<Duplex>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://stand-in');
    if (pathname.startsWith('/api/')) return rest.serve(request, response);
    if (pathname.startsWith('/attachments/')) return sendFile(pathname, files, response);
    return page.serve(request, response);
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => {
      // A fault of the stand-in itself: the test that meets it must see it.
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(error instanceof Error ? error.stack : String(error));
    });
  };
  return {
    async open() {
      if (server) return;
      const next = createServer(serve);
      next.on('upgrade', (request, socket, head) => {
        upgraded.add(socket);
        socket.once('close', () => upgraded.delete(socket));
        gateway.accept(request, socket, head);
      });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      next.once('error', reject);
      next.listen(port, settings.host, resolve);
      await promise;
      port = (next.address() as AddressInfo).port;
      server = next;
    },
    async close() {
      const closing = server;
      if (!closing) return;
      server = undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      closing.close(() => resolve());
      for (const socket of upgraded) socket.destroy();
      closing.closeAllConnections();
      await promise;
    },
    port: () => port,
    url: () => settings.origin ?? `http://127.0.0.1:${port}`,
  };
}

function sendFile(pathname: string, files: Files, response: ServerResponse): void {
  const file = files.find(pathname);
  if (!file) {
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end('This content is no longer available.');
    return;
  }
  // Nothing that was uploaded is shown as a page of this address.
  const headers = {
    'content-type': file.type,
    'content-length': file.data.length,
    'x-content-type-options': 'nosniff',
  };
  response.writeHead(200, { ...headers, 'content-disposition': 'attachment' });
  response.end(file.data);
}
