import { asMoltError, hasCode, MoltError } from '@moltbot/shared';
import { toChatError } from './rest-error.ts';

/** Of Discord's own files. */
const cdnHosts: readonly string[] = ['cdn.discordapp.com', 'media.discordapp.net'];

export interface Download {
  readonly url: string;
  /** Base URL of the API: its host serves files too, where it is not Discord itself. */
  readonly api: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** @throws MOLT_CHAT_REFUSED for another host or a file that is too large, MOLT_CHAT_GONE, MOLT_CHAT_DOWN */
export async function download({ url, api, maxBytes, signal }: Download): Promise<Buffer> {
  const address = URL.parse(url);
  if (!address || !isOfPlatform(address, new URL(api))) {
    throw new MoltError('MOLT_CHAT_REFUSED', 'the file does not lie on Discord: it is not fetched');
  }
  try {
    const response = await fetch(address, { redirect: 'error', signal });
    // The addresses of files end after a day.
    const isGone = response.status === 403 || response.status === 404;
    if (isGone)
      throw new MoltError('MOLT_CHAT_GONE', 'the file is there no more', { details: { status: response.status } });
    if (!response.ok) throw toChatError({ status: response.status, message: response.statusText }, 'the file');
    return await read(response, maxBytes);
  } catch (error) {
    if (hasCode(error, 'MOLT_CHAT_REFUSED') || hasCode(error, 'MOLT_CHAT_GONE')) throw error;
    throw asMoltError(error, 'MOLT_CHAT_DOWN');
  }
}

function isOfPlatform({ protocol, hostname, host }: URL, api: URL): boolean {
  if (protocol === 'https:' && cdnHosts.includes(hostname)) return true;
  return host === api.host && protocol === api.protocol;
}

async function read(response: Response, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > maxBytes) {
      throw new MoltError('MOLT_CHAT_REFUSED', `the file is larger than ${maxBytes} bytes`, { details: { maxBytes } });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
