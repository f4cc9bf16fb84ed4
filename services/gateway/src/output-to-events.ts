import type { TaskEvent } from '@moltbot/store';
import type { TaskReader } from './context.ts';
import { formatEventId } from './event-id.ts';
import type { EventMessage } from './sse.ts';
import { isoTime } from './time.ts';
import { textOrBase64, wholeCharacters } from './utf8.ts';

/** Output in one message at most; what is longer comes in several. */
const messageBytes = 64 * 1_024;

export interface OutputMarker {
  readonly tenant: string;
  readonly target: string;
  readonly event: Extract<TaskEvent, { kind: 'output' }>;
  /** Bytes of it that were sent before. */
  readonly skip: number;
}

/**
 * The output one event tells of, as messages with the bytes in them and an id to resume behind each.
 * `text` when a message's bytes are UTF-8 by themselves, else `base64`: what a message says depends on its own bytes alone.
 */
export async function* outputToEvents(store: TaskReader, marker: OutputMarker): AsyncGenerator<EventMessage> {
  const { tenant, target, event, skip } = marker;
  const { runId, stream, seq, length } = event;
  for (let sent = skip; sent < length; ) {
    const offset = event.offset + sent;
    const head = { run: runId, target, stream, offset, at: isoTime(event.at) };
    const slice = await store.readOutput(tenant, runId, stream, offset, Math.min(messageBytes, length - sent));
    if (!slice || slice.data.length === 0) {
      // Past its retention: a gap that is said is better than a stream that looks whole.
      yield { event: 'output', id: formatEventId(seq), data: { ...head, missingBytes: length - sent } };
      return;
    }
    const bytes = sent + slice.data.length < length ? withoutHalfCharacter(slice.data) : slice.data;
    sent += bytes.length;
    const id = sent < length ? formatEventId(seq, sent) : formatEventId(seq);
    yield { event: 'output', id, data: { ...head, ...textOrBase64(bytes) } };
  }
}

/** Never empty: a piece that is only half a character goes as it is. */
function withoutHalfCharacter(bytes: Buffer): Buffer {
  const whole = wholeCharacters(bytes);
  return whole.length > 0 ? whole : bytes;
}
