const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** The trace id of a W3C `traceparent` header (Trace Context §3.2); undefined when there is none or it is not valid. */
export function traceIdOf(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const id = traceparent.exec(header)?.[1];
  // Version 00 has exactly four fields; only later versions may add more.
  return header.startsWith('00-') && header.length !== 55 ? undefined : id;
}
