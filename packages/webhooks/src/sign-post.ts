import { createHmac } from 'node:crypto';

export interface Unsigned {
  /** The same at every try: receivers tell copies by it. */
  readonly id: string;
  /** Epoch ms of this try. */
  readonly at: number;
  readonly body: Buffer;
  /** `whsec_` and base64. */
  readonly secret: string;
}

/** The headers that prove where a post comes from and when it was made (https://www.standardwebhooks.com). */
export function signPost({ id, at, body, secret }: Unsigned): Readonly<Record<string, string>> {
  const timestamp = Math.floor(at / 1_000);
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': `v1,${signature}` };
}
