import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Fields, isFields } from '../form.ts';
import { createPageActions } from './page-actions.ts';
import { followEvents } from './page-events.ts';
import { readPageFile } from './page-files.ts';
import { createPageLock } from './page-lock.ts';
import { createPageViews, type PagePlatform } from './page-views.ts';

/** A single page for people: pick a channel, write, press, watch the bot work. */
export interface Page {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

const maxBody = 15 * 1024 * 1024;

export function createPage(platform: PagePlatform): Page {
  const views = createPageViews(platform);
  const act = createPageActions(platform);
  const lock = createPageLock(platform.settings.pageKey);

  const read = async (path: string, query: URLSearchParams): Promise<unknown> => {
    const user = query.get('user') || (platform.world.people[0]?.user.username ?? '');
    switch (path) {
      case '/page/state':
        return views.state(user);
      case '/page/messages':
        return views.messages(user, query.get('channel') ?? '');
      case '/page/commands':
        return views.commands(query.get('channel') ?? '');
      default:
        return undefined;
    }
  };
  const get = async (path: string, query: URLSearchParams, response: ServerResponse): Promise<void> => {
    if (path === '/page/events') return followEvents(query.get('user') ?? '', response, { ...platform, views });
    const file = await readPageFile(path);
    if (file) return send(response, 200, file.type, file.content);
    const body = await read(path, query);
    return body === undefined ? sendJson(response, 404, { error: 'not found' }) : sendJson(response, 200, body);
  };
  const post = async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // A form of another site cannot send this type, and gets no leave for it.
    if (request.headers['content-type'] !== 'application/json') return sendJson(response, 415, { error: 'JSON only' });
    const outcome = await act(path.replace('/page/', ''), await readJson(request));
    return sendJson(response, outcome === undefined ? 404 : 200, outcome ?? { error: 'not found' });
  };

  return {
    async serve(request, response) {
      if (!lock.admits(request, response)) return;
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stand-in');
      try {
        if (request.method === 'POST') await post(pathname, request, response);
        else await get(pathname, searchParams, response);
      } catch (error) {
        sendJson(response, 400, { error: error instanceof Error ? error.message : String(error) });
      }
    },
  };
}

const policy = "default-src 'self'; img-src * data:; style-src 'self'; frame-ancestors 'none'; base-uri 'none'";

function send(response: ServerResponse, status: number, type: string, content: string | Buffer): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
  });
  response.end(content);
}

const sendJson = (response: ServerResponse, status: number, body: unknown): void =>
  send(response, status, 'application/json', JSON.stringify(body));

async function readJson(request: IncomingMessage): Promise<Fields> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size <= maxBody) pieces.push(piece);
  }
  if (size > maxBody) throw new Error('that is too large');
  const body: unknown = JSON.parse(Buffer.concat(pieces).toString());
  return isFields(body) ? body : {};
}
