import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a webhook of the user's would note. */
export interface Delivered {
  readonly taskId: string;
  readonly state: string;
  /** Why a run of it did not succeed. */
  readonly why: string | undefined;
  /** Times a post under this id arrived. */
  readonly times: number;
}

export interface Receiver {
  readonly url: string;
  readonly secret: string;
  /** By webhook-id. */
  delivered(): ReadonlyMap<string, Delivered>;
  /** Posts whose signature was wrong. */
  forged(): number;
  stop(): Promise<void>;
}

interface EndedTask {
  readonly id: string;
  readonly state: string;
  readonly runs?: readonly { readonly error?: { readonly code: string; readonly message: string } }[];
}

/** A webhook that verifies every post (Standard Webhooks), and fails some of them first, as webhooks do. */
export async function startReceiver(failing: () => boolean): Promise<Receiver> {
  const key = randomBytes(32);
  const delivered = new Map<string, Delivered>();
  let forged = 0;

  const take = (request: IncomingMessage, body: string): number => {
    const id = String(request.headers['webhook-id']);
    const signed = `${id}.${String(request.headers['webhook-timestamp'])}.${body}`;
    const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
    if (request.headers['webhook-signature'] !== expected) {
      forged += 1;
      return 401;
    }
    if (failing()) return 503;
    const { data }: { readonly data: EndedTask } = JSON.parse(body);
    const times = (delivered.get(id)?.times ?? 0) + 1;
    const why = data.runs?.find(({ error }) => error)?.error;
    delivered.set(id, { taskId: data.id, state: data.state, times, why: why && `${why.code}: ${why.message}` });
    return 204;
  };

  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => response.writeHead(take(request, body)).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/ended`,
    secret: `whsec_${key.toString('base64')}`,
    delivered: () => delivered,
    forged: () => forged,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
