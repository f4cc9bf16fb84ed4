import type { ApiAddress } from './api-client.ts';
import type { Terminal } from './command.ts';
import type { Values } from './remote-command.ts';

const defaultUrl = 'http://127.0.0.1:8420';

/** Where the options, else the variables, say that Moltbot is, or why nobody can be asked. */
export function addressOf({ url, key }: Values, { environment }: Pick<Terminal, 'environment'>): ApiAddress | string {
  const where = String(url ?? (environment['MOLTBOT_URL'] || defaultUrl));
  const secret = String(key ?? environment['MOLTBOT_API_KEY'] ?? '');
  if (!URL.parse(where)?.protocol.startsWith('http')) return `"${where}" is no http:// or https:// URL`;
  if (!/^[\x21-\x7e]+$/.test(secret)) return 'there is no API key: set MOLTBOT_API_KEY, or give --key';
  return { url: where, key: secret };
}
