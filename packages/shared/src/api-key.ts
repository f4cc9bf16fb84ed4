import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key as it is made: `text` is for its holder, once; the configuration and the store keep `id` and `hash`. */
export interface NewApiKey {
  readonly text: string;
  readonly id: string;
  readonly hash: string;
}

/** Ids of API keys: ten lower-case base32 characters. */
export const apiKeyIdPattern: RegExp = /^[a-z2-7]{10}$/;

/** Hashes of API keys: `sha256:` and 64 lower-case hex digits. */
export const apiKeyHashPattern: RegExp = /^sha256:[0-9a-f]{64}$/;

const textPattern = /^mb_(?<tenant>[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?)_(?<id>[a-z2-7]{10})_[A-Za-z0-9]{43}$/;
const base32 = 'abcdefghijklmnopqrstuvwxyz234567';
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A new key `mb_<tenant>_<id>_<secret>` with 256 random bits in its secret. `tenant` is a valid `TenantId`. */
export function newApiKey(tenant: string): NewApiKey {
  const id = Array.from(randomBytes(10), (byte) => base32.charAt(byte % 32)).join('');
  const text = `mb_${tenant}_${id}_${toBase62(randomBytes(32))}`;
  return { text, id, hash: hashApiKey(text) };
}

/** The tenant and the id a key names, or undefined when the text does not have the form of a key. Proves nothing. */
export function parseApiKey(text: string): { readonly tenant: string; readonly id: string } | undefined {
  const { tenant, id } = textPattern.exec(text)?.groups ?? {};
  return tenant !== undefined && id !== undefined ? { tenant, id } : undefined;
}

/** `sha256:` and the hex digest of the whole text. A plain hash is enough: the secret cannot be guessed. */
export const hashApiKey = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Does the text have this hash? Takes the same time wherever they differ; false for anything that is not a hash. */
export function matchesHash(text: string, hash: string): boolean {
  const expected = Buffer.from(hash);
  const actual = Buffer.from(hashApiKey(text));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** 32 bytes as 43 characters. */
function toBase62(bytes: Buffer): string {
  let rest = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; rest > 0n; rest /= 62n) text = base62.charAt(Number(rest % 62n)) + text;
  return text.padStart(43, '0');
}
