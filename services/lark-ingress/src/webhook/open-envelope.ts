import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { sentAt } from './sent-at.ts';

/** A request as it came. */
export interface HookPost {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The bytes that were signed. */
  readonly body: Buffer;
}

export interface HookKeys {
  readonly appId: string;
  readonly encryptKey: string;
  readonly verificationToken: string;
}

/** What a request is, when it can be believed. */
export type Opened =
  | { readonly kind: 'challenge'; readonly challenge: string }
  /** `data` holds header and event in one. */
  | { readonly kind: 'event'; readonly type: string; readonly data: object }
  | { readonly kind: 'refused'; readonly status: 400 | 401; readonly why: string };

/** A signed request is worth so long, ms: by the time in it, and by our clock. */
const windowMs = 300_000;

const Sealed = z.object({ encrypt: z.string() });
const Challenge = z.object({ type: z.literal('url_verification'), token: z.string(), challenge: z.string() });
const Event = z.object({
  header: z.looseObject({ event_type: z.string(), token: z.string(), app_id: z.string() }),
  event: z.looseObject({}),
});

/**
 * Believes a request when it is signed with our key (over its bytes), was sent just now, is encrypted with our key, and holds our token.
 * A challenge may come unsigned. https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/request-url-configuration-case
 */
export function openEnvelope({ headers, body }: HookPost, keys: HookKeys, now: number): Opened {
  const signature = header(headers, 'x-lark-signature');
  const timestamp = header(headers, 'x-lark-request-timestamp');
  if (signature !== '') {
    const nonce = header(headers, 'x-lark-request-nonce');
    const signed = createHash('sha256').update(`${timestamp}${nonce}${keys.encryptKey}`).update(body).digest('hex');
    if (!isSame(signature, signed)) return refused(401, 'the signature is wrong');
    const at = sentAt(timestamp);
    if (at === undefined) return refused(401, 'the time in x-lark-request-timestamp cannot be read');
    if (Math.abs(now - at) > windowMs)
      return refused(401, 'the request is older than five minutes, or a clock is wrong');
  }
  const json = parsed(body.toString());
  if (json === undefined) return refused(400, 'the body is no JSON');
  const sealed = Sealed.safeParse(json).data;
  if (!sealed) return refused(400, 'the body is not encrypted');
  const inner = decrypted(sealed.encrypt, keys.encryptKey);
  const challenge = Challenge.safeParse(inner).data;
  if (challenge && isSame(challenge.token, keys.verificationToken)) {
    return { kind: 'challenge', challenge: challenge.challenge };
  }
  // Whoever has no signature learns nothing of what we could decrypt.
  if (signature === '') return refused(401, 'the request is not signed');
  const event = Event.safeParse(inner).data;
  if (!event) return refused(400, 'what was encrypted is no event');
  const { header: about, event: content } = event;
  if (!isSame(about.token, keys.verificationToken)) return refused(401, 'the verification token is wrong');
  if (about.app_id !== keys.appId) return refused(401, 'the event is for another app');
  return { kind: 'event', type: about.event_type, data: { ...about, ...content } };
}

const refused = (status: 400 | 401, why: string): Opened => ({ kind: 'refused', status, why });

function header(headers: HookPost['headers'], name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

/** In a time that tells nothing of where they differ. */
function isSame(given: string, ours: string): boolean {
  const [one, other] = [given, ours].map((text) => createHash('sha256').update(text).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}

/** AES-256-CBC under the SHA-256 of the key, behind its initialization vector. */
function decrypted(encrypt: string, key: string): unknown {
  const bytes = Buffer.from(encrypt, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-cbc', createHash('sha256').update(key).digest(), bytes.subarray(0, 16));
    return parsed(Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString());
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
