import type { ActionResult } from '@moltbot/plugin-sdk';
import { formatSize, type JsonValue, MoltError } from '@moltbot/shared';

const maxBytes = 64 * 1_024;

/** The data of a result as it is kept: what JSON makes of it. @throws MOLT_BAD_DATA */
export function resultToData({ data }: ActionResult): JsonValue | undefined {
  if (data === undefined) return undefined;
  const json = toJson(data);
  const bytes = Buffer.byteLength(json);
  if (bytes > maxBytes)
    throw new MoltError('MOLT_BAD_DATA', `the data has ${bytes} bytes as JSON; ${formatSize(maxBytes)} is the most`);
  return JSON.parse(json);
}

function toJson(data: JsonValue): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MoltError('MOLT_BAD_DATA', `the data is no JSON: ${why}`, { cause });
  }
  // Of a function, or a symbol.
  if (json === undefined) throw new MoltError('MOLT_BAD_DATA', `the data is no JSON: it is a ${typeof data}`);
  return json;
}
