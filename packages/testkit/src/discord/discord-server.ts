import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHttpServer, type HttpServer } from '../stand-in/http-server.ts';
import type { Files } from './files.ts';
import type { Gateway } from './gateway.ts';
import type { Page } from './page/page.ts';
import type { RestServer } from './rest-server.ts';
import type { Settings } from './settings.ts';

interface Deps {
  readonly settings: Settings;
  readonly rest: RestServer;
  readonly files: Files;
  readonly page: Page;
  readonly gateway: Gateway;
}

/** One port for the API, the gateway, the CDN and the page. */
export function createDiscordServer({ settings, rest, files, page, gateway }: Deps): HttpServer {
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://stand-in');
    if (pathname.startsWith('/api/')) return rest.serve(request, response);
    if (pathname.startsWith('/attachments/')) return sendFile(pathname, files, response);
    return page.serve(request, response);
  };
  return createHttpServer({ settings, serve, accept: gateway.accept });
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
