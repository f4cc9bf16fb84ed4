import { request } from 'node:http';
import type { Handover } from './connection.ts';
import { encrypt, signatureOf } from './encrypt.ts';
import { parsedFields } from './fields.ts';
import { newEventId } from './ids.ts';
import type { App } from './model.ts';

/** A request as it goes to a webhook. */
export interface HookRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HookAnswer {
  /** 0 if there was none in time. */
  readonly status: number;
  readonly body: string;
  readonly timedOut: boolean;
}

export interface Envelope {
  /** Default: now, in seconds. */
  readonly timestamp?: string;
  readonly nonce?: string;
  /** Default: when the app has a key. */
  readonly encrypted?: boolean;
  /** Default: when the app has a key. */
  readonly signed?: boolean;
  /** JSON with spaces and escapes, as another serializer may write it. Default false. */
  readonly spaced?: boolean;
}

/** Wraps an event as the app's settings ask for it. https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/request-url-configuration-case */
export function sealed(app: App, event: object, envelope: Envelope = {}): HookRequest {
  const { encryptKey } = app;
  const timestamp = envelope.timestamp ?? String(Math.floor(Date.now() / 1000));
  const nonce = envelope.nonce ?? newEventId().slice(0, 10);
  const inner = spelled(event, envelope.spaced);
  const isEncrypted = envelope.encrypted ?? encryptKey !== '';
  const body = isEncrypted ? spelled({ encrypt: encrypt(encryptKey, inner) }, envelope.spaced) : inner;
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'x-lark-request-timestamp': timestamp,
    'x-lark-request-nonce': nonce,
    ...(envelope.signed === false || encryptKey === ''
      ? {}
      : { 'x-lark-signature': signatureOf({ timestamp, nonce, encryptKey }, body) }),
  };
  return { headers, body };
}

function spelled(value: object, spaced = false): string {
  if (!spaced) return JSON.stringify(value);
  return JSON.stringify(value, undefined, 2).replace(/[\u4e00-\u9fff]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

export interface PostOptions {
  readonly withinMs: number;
  /** Bytes that are sent at once, with a pause after them. Default: all. */
  readonly chunk?: number;
}

/** Never throws: an address that cannot be reached has status 0. */
export async function postTo(url: string, { headers, body }: HookRequest, options: PostOptions): Promise<HookAnswer> {
  const { promise, resolve } = Promise.withResolvers<HookAnswer>();
  const bytes = Buffer.from(body);
  const whole = { ...headers, 'content-length': bytes.length };
  const outgoing = request(url, { method: 'POST', headers: whole, agent: false }, (response) => {
    const pieces: Buffer[] = [];
    response.on('data', (piece: Buffer) => pieces.push(piece));
    response.on('error', () => {});
    response.on('end', () => {
      const text = Buffer.concat(pieces).toString();
      resolve({ status: response.statusCode ?? 0, body: text, timedOut: false });
    });
  });
  const timer = setTimeout(() => {
    resolve({ status: 0, body: '', timedOut: true });
    outgoing.destroy();
  }, options.withinMs);
  outgoing.on('error', () => resolve({ status: 0, body: '', timedOut: false }));
  send(bytes, options.chunk ?? bytes.length);
  return promise.finally(() => clearTimeout(timer));

  function send(rest: Buffer, chunk: number): void {
    outgoing.write(rest.subarray(0, chunk));
    if (rest.length <= chunk) outgoing.end();
    else setTimeout(() => send(rest.subarray(chunk), chunk), 1);
  }
}

/** Status 200 is all that counts; what is no JSON answers nothing. */
export function handoverOf({ status, body, timedOut }: HookAnswer): Handover {
  if (timedOut) return { kind: 'timeout' };
  if (status === 0) return { kind: 'unreachable' };
  return status === 200 ? { kind: 'acknowledged', answer: parsedFields(body) } : { kind: 'refused', status };
}
