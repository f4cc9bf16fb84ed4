export interface UploadedPart {
  /** Empty if the client named none, as the vendor's SDK does for a Buffer. */
  readonly name: string;
  readonly type: string;
  readonly data: Buffer;
}

export interface MultipartForm {
  readonly texts: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, UploadedPart>;
}

/**
 * Splits a form into its parts, byte by byte. Node's own parser takes a part without a file name for a text and would spoil
 * its bytes; here any part with a content type is a file. @returns undefined for what is no form
 */
export function parseMultipart(raw: Buffer, contentType: string): MultipartForm | undefined {
  const [, quoted, plain] = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return undefined;
  const texts: Record<string, string> = {};
  const files = new Map<string, UploadedPart>();
  for (const { head, data } of split(raw, `--${boundary}`)) {
    const field = /name="([^"]*)"/i.exec(head.replace(/filename\*?=/gi, 'file='))?.[1];
    const name = /filename="([^"]*)"/i.exec(head)?.[1];
    const type = /^content-type:\s*(.+)$/im.exec(head)?.[1];
    if (field === undefined) continue;
    if (name === undefined && type === undefined) texts[field] = data.toString();
    else files.set(field, { name: decodedName(name ?? ''), type: type ?? 'application/octet-stream', data });
  }
  return { texts, files };
}

function* split(raw: Buffer, mark: string): Generator<{ head: string; data: Buffer }> {
  let from = raw.indexOf(mark);
  while (from !== -1) {
    const to = raw.indexOf(`\r\n${mark}`, from + mark.length);
    const part = raw.subarray(from + mark.length + 2, to === -1 ? raw.length : to);
    const end = part.indexOf('\r\n\r\n');
    if (to === -1) return;
    if (end !== -1) yield { head: part.subarray(0, end).toString(), data: part.subarray(end + 4) };
    from = to + 2;
  }
}

/** Some clients send it percent-encoded. */
function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
