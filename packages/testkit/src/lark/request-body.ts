import type { IncomingMessage } from 'node:http';
import { refusal } from './api-error.ts';
import type { Fields } from './fields.ts';
import { parsedFields } from './fields.ts';
import { parseMultipart, type UploadedPart } from './multipart.ts';

export interface RequestBody {
  readonly fields: Fields;
  readonly parts: ReadonlyMap<string, UploadedPart>;
}

const noParts: ReadonlyMap<string, UploadedPart> = new Map();

/** JSON or a form. @throws ApiError for anything else */
export async function readBody(request: IncomingMessage): Promise<RequestBody> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  const raw = Buffer.concat(pieces);
  if (raw.length === 0) return { fields: {}, parts: noParts };
  const type = request.headers['content-type'] ?? '';
  const form = type.startsWith('multipart/') ? parseMultipart(raw, type) : undefined;
  if (form) return { fields: form.texts, parts: form.files };
  const fields = parsedFields(raw.toString());
  if (!fields) throw refusal('cardParameter');
  return { fields, parts: noParts };
}
