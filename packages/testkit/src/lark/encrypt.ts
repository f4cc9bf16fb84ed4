import { createCipheriv, createHash, randomBytes } from 'node:crypto';

/** https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/encrypt-key-encryption-configuration-case */
export function encrypt(encryptKey: string, text: string): string {
  const key = createHash('sha256').update(encryptKey).digest();
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]).toString('base64');
}

export interface Signed {
  readonly timestamp: string;
  readonly nonce: string;
  readonly encryptKey: string;
}

/** Over the bytes of the body as they are sent. */
export function signatureOf({ timestamp, nonce, encryptKey }: Signed, body: string): string {
  return createHash('sha256')
    .update(timestamp + nonce + encryptKey)
    .update(body)
    .digest('hex');
}
