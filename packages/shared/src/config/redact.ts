import { formatDuration } from '../duration.ts';
import { Secret } from '../secret.ts';
import { formatSize } from '../size.ts';
import type { Config } from './config.ts';
import { writeYaml } from './yaml.ts';

/** The effective configuration as YAML in the words of a user, without its secrets; of a link's URL, scheme and host are shown. */
export const formatConfig = (config: Config): string => writeYaml(toWords(config));

/** `maxWaitMs: 300000` → `maxWait: 5m`, `bodyLimitBytes: 1048576` → `bodyLimit: 1MiB`. */
function toWords(value: unknown): unknown {
  if (value instanceof Secret) return redact(value);
  if (Array.isArray(value)) return value.map(toWords);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => entryInWords(key, item)));
}

function entryInWords(key: string, value: unknown): readonly [string, unknown] {
  if (typeof value === 'number' && key.endsWith('Ms')) return [key.slice(0, -2), formatDuration(value)];
  if (typeof value === 'number' && key.endsWith('Bytes')) return [key.slice(0, -5), formatSize(value)];
  return [key, toWords(value)];
}

function redact(secret: Secret): string {
  const url = /^(?:amqps?|rediss?):/.test(secret.reveal()) ? URL.parse(secret.reveal()) : null;
  if (!url) return String(secret);
  const user = url.username || url.password ? `${secret}@` : '';
  return `${url.protocol}//${user}${url.host}`;
}
