import { MoltError } from '@moltbot/shared';

/** Bytes `from` up to, not including, `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The Range header (RFC 9110 §14.2) against `total` bytes. Undefined means the whole: no header, a unit that is not bytes,
 * or several ranges at once, which RFC 9110 lets a server ignore.
 * @throws MOLT_RANGE when it cannot be read, or no byte of it exists; `details.total` is the length.
 */
export function parseByteRange(header: string | undefined, total: number): ByteRange | undefined {
  if (header === undefined || !/^bytes=/i.test(header) || header.includes(',')) return undefined;
  const spec = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header);
  const [, first = '', last = ''] = spec ?? [];
  if (first === '' && last === '') throw unmet(`"${header}" is not a range such as bytes=0-1023`, total);
  const range =
    first === ''
      ? { from: Math.max(0, total - Number(last)), to: total }
      : { from: Number(first), to: last === '' ? total : Math.min(total, Number(last) + 1) };
  if (first !== '' && last !== '' && Number(last) < Number(first))
    throw unmet(`"${header}" ends before it begins`, total);
  if (range.from >= range.to) throw unmet(`there are ${total} bytes, and "${header}" is beyond them`, total);
  return range;
}

const unmet = (message: string, total: number): MoltError =>
  new MoltError('MOLT_RANGE', message, { details: { total }, places: [{ path: '/headers/range', message }] });
