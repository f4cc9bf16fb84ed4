import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Client,
  defaultHttpInstance,
  EventDispatcher,
  type HttpInstance,
  LoggerLevel,
  WSClient,
} from '@larksuiteoapi/node-sdk';
import { eventually, type LarkOptions, startLark, type TestLark } from '@moltbot/testkit';
import { onTestFinished } from 'vitest';

/** Reconnects without waiting; the SDK takes what the platform says. */
const fast = { reconnectInterval: 0.05, reconnectNonce: 0, pingInterval: 0.05 };

/** A stand-in that ends with the test. */
export async function lab(options: LarkOptions = {}): Promise<TestLark> {
  const lark = await startLark({ ...options, connection: { ...fast, ...options.connection } });
  onTestFinished(() => lark.stop());
  return lark;
}

const silent = { fatal: noop, error: noop, warn: noop, info: noop, debug: noop, trace: noop };
function noop(): void {}
const quiet = { logger: silent, loggerLevel: LoggerLevel.fatal };

export type ClientOptions = Partial<ConstructorParameters<typeof Client>[0]>;

/** The vendor's client of an app. */
export function client(lark: TestLark, app?: string, options: ClientOptions = {}): Client {
  const { id, secret } = lark.app(app);
  return new Client({ appId: id, appSecret: secret, domain: lark.domain, ...quiet, ...options });
}

/** The SDK's own way out, but with an end to its patience; it has none by itself. */
export function impatient(timeoutMs: number): HttpInstance {
  const instance = defaultHttpInstance.create({ timeout: timeoutMs });
  instance.interceptors.response.use(({ data }) => data);
  return instance as unknown as HttpInstance;
}

export type Handlers = Record<string, (data: Received) => unknown>;

/** An event as the SDK hands it over: header and event in one. */
export interface Received {
  readonly event_id: string;
  readonly event_type: string;
  readonly app_id: string;
  readonly tenant_key: string;
  readonly token: string;
  readonly create_time: string;
  readonly message: ReceivedMessage;
  readonly sender: { readonly sender_id: { readonly open_id: string; readonly union_id: string } };
  readonly action: Readonly<Record<string, unknown>>;
  readonly operator: { readonly open_id: string };
  readonly context: { readonly open_message_id: string; readonly open_chat_id: string };
  readonly chat_id: string;
  readonly message_id_list: readonly string[];
}

export interface ReceivedMessage {
  readonly message_id: string;
  readonly chat_id: string;
  readonly chat_type: string;
  readonly message_type: string;
  readonly content: string;
  readonly create_time: string;
  readonly parent_id?: string;
  readonly root_id?: string;
  readonly thread_id?: string;
  readonly mentions?: readonly {
    readonly key: string;
    readonly id: { readonly open_id: string };
    readonly name: string;
  }[];
}

export interface TestBot {
  readonly ws: WSClient;
  /** In the order they came. */
  readonly received: readonly Received[];
  /** Texts of the messages. */
  heard(): readonly string[];
  readonly errors: readonly Error[];
  readonly reconnects: () => number;
}

export interface BotOptions {
  readonly app?: string;
  /** More handlers, or others. */
  readonly handlers?: Handlers;
  readonly ws?: Partial<ConstructorParameters<typeof WSClient>[0]>;
  /** Does not wait for the connection. Default false. */
  readonly unready?: boolean;
}

/** The vendor's long connection, which notes all messages; connected, and closed with the test. */
export async function bot(lark: TestLark, options: BotOptions = {}): Promise<TestBot> {
  const { id, secret } = lark.app(options.app);
  const received: Received[] = [];
  const errors: Error[] = [];
  const ready = Promise.withResolvers<void>();
  const before = lark.app(options.app).connections().length;
  let reconnects = 0;
  const ws = new WSClient({
    ...{ appId: id, appSecret: secret, domain: lark.domain, ...quiet },
    onReady: ready.resolve,
    onError: (error: Error) => void errors.push(error),
    onReconnected: () => {
      reconnects += 1;
    },
    ...options.ws,
  });
  const dispatcher = new EventDispatcher(quiet).register({
    'im.message.receive_v1': (data: unknown) => void received.push(data as Received),
    ...Object.fromEntries(
      Object.entries(options.handlers ?? {}).map(([type, handle]) => [
        type,
        (data: unknown) => handle(data as Received),
      ]),
    ),
  });
  onTestFinished(() => ws.close({ force: true }));
  await ws.start({ eventDispatcher: dispatcher });
  if (!options.unready) {
    await ready.promise;
    await eventually('events may come', () => lark.app(options.app).connections().length > before);
  }
  return { ws, received, errors, heard: () => received.map(textOf), reconnects: () => reconnects };
}

const textOf = ({ message }: Received): string => String(JSON.parse(message.content).text);

/** What a call was answered with: the SDK throws for some, and not for others. */
export async function answerOf(call: Promise<unknown>): Promise<{ status: number; code: number; msg: string }> {
  const done = await call.then(
    (value) => ({ status: 200, data: value }),
    (error: { response?: { status: number; data: unknown } }) => ({
      status: error.response?.status ?? 0,
      data: error.response?.data,
    }),
  );
  const { code = 0, msg = '' } = (done.data ?? {}) as { code?: number; msg?: string };
  return { status: done.status, code, msg };
}

/** A request without the SDK, where it cannot misbehave. */
export async function raw(lark: TestLark, path: string, options: RawOptions = {}): Promise<RawAnswer> {
  const { body, token, method = body === undefined ? 'GET' : 'POST' } = options;
  const response = await fetch(`${lark.domain}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown> & { readonly code: number };
  return { status: response.status, headers: response.headers, answer };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly answer: Readonly<Record<string, unknown>> & { readonly code: number };
}

interface RawOptions {
  readonly method?: string;
  readonly body?: object;
  readonly token?: string;
}

export async function tokenOf(lark: TestLark, app?: string): Promise<string> {
  const { id, secret } = lark.app(app);
  const body = { app_id: id, app_secret: secret };
  const { answer } = await raw(lark, '/open-apis/auth/v3/tenant_access_token/internal', { body });
  return String(answer['tenant_access_token']);
}

export interface Hook {
  readonly url: string;
  /** Bodies as they came. */
  readonly bodies: readonly string[];
  readonly headers: readonly IncomingMessage['headers'][];
}

/** A webhook of one's own; meets challenges unless `handle` does it. Ends with the test. */
export async function hook(handle: (body: string, response: ServerResponse) => void): Promise<Hook> {
  const bodies: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      bodies.push(body);
      headers.push(request.headers);
      handle(body, response);
    });
  });
  const url = await listening(server);
  return { url, bodies, headers };
}

/** Serves with a listener of the SDK. */
export async function sdkHook(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  return listening(createServer((request, response) => void listener(request, response)));
}

async function listening(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
}

/** Answers a challenge, and everything else with 200. */
export function meetChallenge(body: string, response: ServerResponse): void {
  const { challenge } = JSON.parse(body) as { challenge?: string };
  response.end(JSON.stringify(challenge === undefined ? {} : { challenge }));
}

export const card = (elements: readonly object[], more: object = {}): object => ({
  schema: '2.0',
  config: { update_multi: true },
  header: { title: { tag: 'plain_text', content: 'uptime' }, template: 'blue' },
  body: { elements },
  ...more,
});

export const markdown = (content: string, id?: string): object => ({
  tag: 'markdown',
  content,
  ...(id === undefined ? {} : { element_id: id }),
});

export const button = (label: string, value: object, more: object = {}): object => ({
  tag: 'button',
  text: { tag: 'plain_text', content: label },
  behaviors: [{ type: 'callback', value }],
  ...more,
});

/** Sends into `ops`. @returns the id of the message */
export async function send(lark: TestLark, sender: Client, what: object | string, chat = 'ops'): Promise<string> {
  const isText = typeof what === 'string';
  const content = isText ? { text: what } : what;
  const sent = await sender.im.v1.message.create({
    params: { receive_id_type: 'chat_id' },
    data: {
      receive_id: lark.chatId(chat),
      msg_type: isText ? 'text' : 'interactive',
      content: JSON.stringify(content),
    },
  });
  return String(sent.data?.message_id);
}

export const settled = (lark: TestLark, count: number): Promise<unknown> =>
  eventually(`${count} deliveries`, () => {
    const done = lark.deliveries().filter(({ state }) => state !== 'waiting');
    return done.length === count;
  });
