import type { IncomingMessage } from 'node:http';
import { refusal } from './api-error.ts';
import type { UploadedFile } from './files.ts';
import { createForm } from './form.ts';
import type { Limits } from './options.ts';

export interface RequestBody {
  readonly body: unknown;
  readonly files: readonly UploadedFile[];
}

const none: RequestBody = { body: {}, files: [] };

/** JSON, or a form with `payload_json` and `files[n]`. https://discord.com/developers/docs/reference#uploading-files @throws ApiError */
export async function readBody(request: IncomingMessage, limits: Limits): Promise<RequestBody> {
  const raw = await readAll(request, limits.requestBytes);
  if (raw.length === 0) return none;
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return { body: parsed(raw.toString()), files: [] };
  if (type.startsWith('multipart/form-data')) return readForm(raw, type, limits.fileBytes);
  const form = createForm();
  const expected = "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}.";
  form.add([], 'CONTENT_TYPE_INVALID', expected);
  form.done();
  return none;
}

async function readAll(request: IncomingMessage, max: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    // The rest is read and dropped: an answer before the end of the request would not reach the client.
    if (size <= max) pieces.push(piece);
  }
  if (size > max) throw refusal('entityTooLarge');
  return Buffer.concat(pieces);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal('invalidJson');
  }
}

async function readForm(raw: Buffer, type: string, maxFile: number): Promise<RequestBody> {
  const response = new Response(new Uint8Array(raw), { headers: { 'content-type': type } });
  const form = await response.formData().catch(() => {
    throw refusal('invalidForm');
  });
  const files: UploadedFile[] = [];
  let body: unknown = {};
  for (const [name, value] of form) {
    const index = /^files\[(\d+)\]$/.exec(name)?.[1];
    if (typeof value === 'string') {
      if (name === 'payload_json') body = parsed(value);
    } else if (index !== undefined) {
      if (value.size > maxFile) throw refusal('entityTooLarge');
      const data = Buffer.from(await value.arrayBuffer());
      files.push({ index, name: value.name, type: value.type || 'application/octet-stream', data });
    }
  }
  return { body, files };
}
