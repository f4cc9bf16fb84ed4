import {
  Client,
  defaultHttpInstance,
  EventDispatcher,
  type HttpInstance,
  LoggerLevel,
  WSClient,
} from '@larksuiteoapi/node-sdk';

export interface SdkApp {
  readonly appId: string;
  readonly appSecret: string;
  /** Base URL of the open platform. */
  readonly domain: string;
  /** Of one request. */
  readonly timeoutMs: number;
}

export interface SdkRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** `/open-apis/im/v1/messages` */
  readonly path: string;
  readonly params?: Readonly<Record<string, string | number>> | undefined;
  readonly data?: object | undefined;
  /** Goes with `data` as a form. */
  readonly file?: { readonly field: string; readonly name: string; readonly bytes: Buffer } | undefined;
  /** The answer is bytes, so many at most. */
  readonly maxBytes?: number | undefined;
  readonly signal: AbortSignal;
}

/** A long connection, until it is lost. It never connects by itself again. */
export interface SdkConnection {
  isOpen(): boolean;
  /** Asks whether the platform still hears us; without an answer in time the connection is lost. */
  ping(): void;
  close(): void;
}

export interface ConnectOptions {
  /** What the platform is to be told, after so much as is needed to lose nothing. A rejection lets the event come again. */
  onEvent(type: string, data: unknown): Promise<object | undefined>;
  onOpen(): void;
  /** It could not be opened. */
  onFailure(reason: Error): void;
  /** After a ping. */
  readonly pongWithinMs: number;
  readonly events: readonly string[];
}

/** All that is used of the vendor's SDK: its token, its requests, its long connection. */
export interface LarkSdk {
  /** Rejects as the HTTP library does when the status is no success. @returns the body, whatever its code */
  request(request: SdkRequest): Promise<unknown>;
  /** The next request asks for a new access token. */
  forgetToken(): void;
  connect(options: ConnectOptions): SdkConnection;
}

const handshakeMs = 10_000;
/** It logs requests with their tokens, and events with their texts. */
const quiet = {
  logger: { error() {}, warn() {}, info() {}, debug() {}, trace() {} },
  loggerLevel: LoggerLevel.fatal,
} as const;

export function createLarkSdk({ appId, appSecret, domain, timeoutMs }: SdkApp): LarkSdk {
  const http = impatient(timeoutMs);
  const tokens = createTokenCache();
  const app = { appId, appSecret, domain, httpInstance: http, ...quiet };
  const client = new Client({ ...app, cache: tokens });
  return {
    request({ method, path, params = {}, data = {}, file, maxBytes, signal }) {
      const form = file && {
        headers: { 'Content-Type': 'multipart/form-data' },
        data: { ...data, [file.field]: file.bytes },
        formSerializer: { visitor: namedPart(file.name) },
      };
      const bytes = maxBytes === undefined ? {} : { responseType: 'arraybuffer' as const, maxContentLength: maxBytes };
      return client.request({ method, url: path, params, data, signal, ...bytes, ...form });
    },
    forgetToken: tokens.clear,
    connect({ onEvent, onOpen, onFailure, pongWithinMs, events }) {
      const socket = new WSClient({
        ...app,
        autoReconnect: false,
        handshakeTimeoutMs: handshakeMs,
        wsConfig: { pingTimeout: pongWithinMs / 1_000 },
        onReady: onOpen,
        onError: onFailure,
      });
      const handlers = events.map((type) => [type, (data: unknown) => onEvent(type, data)] as const);
      const eventDispatcher = new EventDispatcher(quiet).register(Object.fromEntries(handlers));
      socket.start({ eventDispatcher }).catch((error: unknown) => onFailure(asError(error)));
      const isOpen = (): boolean => socket.getConnectionStatus().state === 'connected';
      return {
        isOpen,
        ping() {
          if (isOpen()) windUp(socket);
        },
        close: () => socket.close({ force: true }),
      };
    },
  };
}

/** The SDK's own way out, but with an end to its patience; it has none by itself. */
function impatient(timeout: number): HttpInstance {
  const http = defaultHttpInstance.create({ timeout });
  http.interceptors.response.use((response) => {
    const { config, data, headers } = response;
    return '$return_headers' in config && config.$return_headers ? { data, headers } : data;
  });
  return http as unknown as HttpInstance;
}

/** The SDK's own cache is shared by all clients of a process, and cannot be emptied. */
function createTokenCache() {
  const kept = new Map<string, { readonly value: unknown; readonly until: number }>();
  const nameOf = (key: string | symbol | object): string => String(key);
  return {
    async get(key: string | symbol | object): Promise<unknown> {
      const found = kept.get(nameOf(key));
      return found && found.until > Date.now() ? found.value : undefined;
    },
    async set(key: string | symbol | object, value: unknown, until = Number.POSITIVE_INFINITY): Promise<boolean> {
      kept.set(nameOf(key), { value, until });
      return true;
    },
    clear: () => kept.clear(),
  };
}

interface Form {
  append(key: string, value: unknown, options?: { readonly filename: string }): void;
}

/** A buffer by itself becomes a part without a file name, which the platform takes for a text. */
const namedPart = (filename: string) =>
  function visit(this: unknown, value: unknown, key: string | number): boolean {
    const form = this as Form;
    if (Buffer.isBuffer(value)) form.append(String(key), value, { filename });
    else form.append(String(key), String(value));
    return false;
  };

interface PingLoop {
  pingInterval?: NodeJS.Timeout;
  pingLoop(): void;
}

/** It pings as often as the platform says, which is every two minutes: far too late to find a dead connection. */
function windUp(socket: WSClient): void {
  const loop = socket as unknown as PingLoop;
  clearTimeout(loop.pingInterval);
  loop.pingLoop();
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
