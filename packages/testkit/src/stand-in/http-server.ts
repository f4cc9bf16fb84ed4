import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** One port for all that a platform answers on. */
export interface HttpServer {
  /** Takes the port it was given at first, again after `close`. */
  open(): Promise<void>;
  /** Cuts every connection and lets the port go. */
  close(): Promise<void>;
  port(): number;
  /** Where clients find it: `http://127.0.0.1:port` */
  url(): string;
}

export interface HttpServerOptions {
  readonly settings: {
    readonly port?: number | undefined;
    readonly host: string;
    /** What clients are told instead of the address on this machine. */
    readonly origin?: string | undefined;
  };
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Takes over a connection that is more than one request. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export function createHttpServer({ settings, serve, accept }: HttpServerOptions): HttpServer {
  let port = settings.port ?? 0;
  let server: Server | undefined;
  /** Connections that became long ones are not the HTTP server's any more. */
  const upgraded = new Set<Duplex>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch((error: unknown) => {
      // A fault of the stand-in itself: the test that meets it must see it.
      response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(error instanceof Error ? error.stack : String(error));
    });
  };
  return {
    async open() {
      if (server) return;
      const next = createServer(answer);
      next.on('upgrade', (request, socket, head) => {
        upgraded.add(socket);
        socket.once('close', () => upgraded.delete(socket));
        accept(request, socket, head);
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
