import { MoltError } from '@moltbot/shared';

/**
 * How far a reader of an event stream is. `12`: all up to event 12. `12.65536`: all up to event 11, and the first
 * 65536 bytes of the output that event 12 tells of, which was too long for one message.
 */
export interface EventPosition {
  /** The last event that was sent whole. */
  readonly after: number;
  /** Bytes sent of the event behind it. */
  readonly bytes: number;
}

/** @throws MOLT_BAD_REQUEST when the text is not an id of ours. */
export function parseEventId(text: string): EventPosition {
  const [, seq, bytes] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text) ?? [];
  if (seq === undefined)
    throw new MoltError('MOLT_BAD_REQUEST', `"${text.slice(0, 40)}" is not the id of an event`, {
      places: [{ path: '/headers/last-event-id', message: 'send the last `id` of the stream as it was' }],
    });
  return bytes === undefined ? { after: Number(seq), bytes: 0 } : { after: Number(seq) - 1, bytes: Number(bytes) };
}

/** The id of the message that ends `bytes` into event `seq`, or at its end when undefined. */
export const formatEventId = (seq: number, bytes?: number): string =>
  bytes === undefined ? `${seq}` : `${seq}.${bytes}`;
