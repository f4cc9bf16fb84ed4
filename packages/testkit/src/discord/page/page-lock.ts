import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Keeps out whoever else can reach the port: the page acts for its users without asking who is there. */
export interface PageLock {
  /** Answers the request itself, unless it may be served. */
  admits(request: IncomingMessage, response: ServerResponse): boolean;
}

/** @param key comes once in the address, `/?key=…`, then with every request as a cookie; undefined: everybody may come in */
export function createPageLock(key: string | undefined): PageLock {
  if (key === undefined) return { admits: () => true };
  // Cookies do not know ports: two pages of one host must not take each other's.
  const name = `page-${digestOf(key).toString('hex').slice(0, 8)}`;
  return {
    admits({ url, headers }, response) {
      const cookies = (headers.cookie ?? '').split('; ');
      if (cookies.some((cookie) => isSame(cookie, `${name}=${key}`))) return true;
      const { pathname, searchParams } = new URL(url ?? '/', 'http://stand-in');
      const given = searchParams.get('key');
      if (given === null || !isSame(given, key)) {
        response.writeHead(403, { 'content-type': 'text/plain' }).end('Open the whole address, with its key.\n');
        return false;
      }
      searchParams.delete('key');
      const rest = searchParams.size === 0 ? pathname : `${pathname}?${searchParams}`;
      const cookie = `${name}=${key}; Path=/; HttpOnly; SameSite=Strict`;
      response.writeHead(303, { location: rest, 'set-cookie': cookie, 'cache-control': 'no-store' }).end();
      return false;
    },
  };
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

const isSame = (one: string, other: string): boolean => timingSafeEqual(digestOf(one), digestOf(other));
