/** One message of an event stream (WHATWG HTML §9.2). */
export interface EventMessage {
  readonly event: string;
  readonly data: object;
  /** What the client sends back as Last-Event-ID. */
  readonly id?: string | undefined;
}

/** A message as it goes over the wire. JSON escapes the line breaks inside its strings, so one data line always does. */
export const encodeEvent = ({ id, event, data }: EventMessage): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** A line that clients skip; keeps the connection from looking idle. */
export const encodeComment = (text: string): string => `: ${text}\n\n`;

/** Tells the client how long to wait before it connects again. */
export const encodeRetry = (ms: number): string => `retry: ${ms}\n\n`;
