import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Clock, cannotListen, type LarkConfig, type Logger } from '@moltbot/shared';
import { type HookKeys, openEnvelope } from './open-envelope.ts';

export interface WebhookServerDeps {
  readonly name: string;
  readonly config: LarkConfig['webhook'];
  readonly keys: HookKeys;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  /** Resolves when the event cannot be lost any more, with what the platform is answered. */
  onEvent(type: string, data: object): Promise<object | undefined>;
}

export interface WebhookServer {
  start(): Promise<void>;
  /** Takes no more, and resolves when all that was taken is answered. */
  stop(): Promise<void>;
  /** The one in use, once started. */
  port(): number;
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

/** The platform's own events have some kilobytes. */
const bodyLimitBytes = 1024 * 1024;
const readWithinMs = 10_000;

/** Takes events that the platform posts. Node's own HTTP: one path, one method, and the bytes as they came. */
export function createWebhookServer(deps: WebhookServerDeps): WebhookServer {
  const { name, config, log } = deps;
  const { host } = config;
  let server: Server | undefined;
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, body } = await answer(deps, request);
    // What was not read to its end cannot be followed by another request.
    const headers = { 'content-type': 'application/json', ...(request.complete ? {} : { connection: 'close' }) };
    response.writeHead(status, headers).end(JSON.stringify(body));
  };
  return {
    async start() {
      const created = createServer(
        { requestTimeout: readWithinMs, headersTimeout: readWithinMs },
        (request, response) => {
          respond(request, response).catch((err: unknown) => {
            log.warn({ err }, 'a webhook could not be answered');
            response.destroy();
          });
        },
      );
      server = created;
      await new Promise<void>((resolve, reject) => {
        const section = `platforms.lark.${name}.webhook`;
        created.once('error', (error) => reject(cannotListen(error, { section, host, port: config.port })));
        created.listen(config.port, host, resolve);
      });
      log.info({ host, port: portOf(created), path: config.path }, 'listens for webhooks');
    },
    async stop() {
      const current = server;
      server = undefined;
      if (!current) return;
      current.closeIdleConnections();
      await new Promise<void>((resolve) => current.close(() => resolve()));
    },
    port: () => (server ? portOf(server) : 0),
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const problem = (status: number, error: string): Reply => ({ status, body: { error } });

async function answer(deps: WebhookServerDeps, request: IncomingMessage): Promise<Reply> {
  const { config, keys, clock, log, onEvent } = deps;
  const { pathname } = new URL(request.url ?? '/', 'http://webhook');
  if (pathname !== config.path) return problem(404, `events are taken at ${config.path}`);
  if (request.method !== 'POST') return problem(405, 'events are posted');
  const body = await readBody(request);
  if (!body) return problem(413, `an event has at most ${bodyLimitBytes} bytes`);
  const opened = openEnvelope({ headers: request.headers, body }, keys, clock.now());
  if (opened.kind === 'refused') {
    log.warn({ why: opened.why, from: request.socket.remoteAddress }, 'refused a webhook');
    return problem(opened.status, opened.why);
  }
  if (opened.kind === 'challenge') return { status: 200, body: { challenge: opened.challenge } };
  try {
    return { status: 200, body: (await onEvent(opened.type, opened.data)) ?? {} };
  } catch (err) {
    log.warn({ err, type: opened.type }, 'an event could not be kept; the platform sends it again');
    return problem(503, 'the event could not be kept; send it again');
  }
}

/** @returns undefined when it is too large */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > bodyLimitBytes) return undefined;
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    size += piece.length;
    if (size > bodyLimitBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
