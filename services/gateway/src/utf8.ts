import { isUtf8 } from 'node:buffer';

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Bytes to text; what is not UTF-8 becomes U+FFFD. `cut` says that bytes before were left out: a half character at the front goes. */
export function decodeTail(bytes: Buffer, cut: boolean): string {
  let start = 0;
  while (cut && start < 3 && isContinuation(bytes[start])) start += 1;
  return bytes.toString('utf8', start);
}

/** The longest prefix that does not end inside a character: all of it, or up to 3 bytes less. */
export function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** Bytes for JSON: `text` when they are UTF-8 by themselves, else `base64`. Either way nothing is lost. */
export const textOrBase64 = (bytes: Buffer): { readonly text: string } | { readonly base64: string } =>
  isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') };
