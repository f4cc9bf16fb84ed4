import { type Bell, createBell, hasCode, isFinal, type TaskRecord, type TaskState } from '@moltbot/shared';
import type { TaskEvent } from '@moltbot/store';
import type { GatewayContext } from './context.ts';
import { type EventPosition, formatEventId, parseEventId } from './event-id.ts';
import { outputToEvents } from './output-to-events.ts';
import { type EventMessage, encodeComment, encodeEvent, encodeRetry } from './sse.ts';
import { isoTime } from './time.ts';

const heartbeatMs = 15_000;
/** A wake-up can be lost with its connection; this finds the change then. */
const pollMs = 1_000;
const eventsAtOnce = 100;
const retryMs = 1_000;

export interface EventStream {
  /** Read before the stream begins. */
  readonly record: TaskRecord;
  /** Names of the targets, by run id. */
  readonly targets: ReadonlyMap<string, string>;
  readonly from: EventPosition;
  /** Ends the stream early. */
  readonly signal: AbortSignal;
}

/**
 * The messages of a task from a position on, as they go over the wire, until the task is final and all was said, or the
 * signal aborts. What comes next depends on the position alone, so a stream that is resumed neither loses nor repeats.
 */
export async function* taskToEvents(context: GatewayContext, stream: EventStream): AsyncGenerator<string> {
  const { id, principal } = stream.record.task;
  const bell = createBell();
  const unwatch = context.store.watchTask(principal.tenant, id, bell.ring);
  stream.signal.addEventListener('abort', bell.ring);
  context.metrics.openStreams.inc();
  try {
    // Sent at once: the head of the response goes out with the first bytes.
    yield encodeRetry(retryMs);
    yield* follow(context, stream, bell);
  } finally {
    context.metrics.openStreams.dec();
    stream.signal.removeEventListener('abort', bell.ring);
    unwatch();
  }
}

/** Where a stream stands. */
interface Reader {
  position: EventPosition;
  state: TaskState;
  spokeAt: number;
}

async function* follow(context: GatewayContext, stream: EventStream, bell: Bell): AsyncGenerator<string> {
  const { clock } = context;
  const reader: Reader = { position: stream.from, state: stream.record.state, spokeAt: clock.monotonic() };
  while (!stream.signal.aborted) {
    const found = yield* sendNew(context, stream, reader);
    if (found === 'some') continue;
    // The state was known before we saw that nothing follows: nothing will.
    if (found === 'none' && isFinal(reader.state)) {
      yield encodeEvent({ event: 'end', data: { state: reader.state } });
      return;
    }
    await bell.sleep(pollMs);
    if (clock.monotonic() - reader.spokeAt < heartbeatMs) continue;
    yield encodeComment('still here');
    reader.spokeAt = clock.monotonic();
    if ((await refresh(context, stream, reader)) === 'gone') return;
  }
}

/** Sends one batch. While the store is down the stream stays open: an EventSource that is answered 503 does not come back. */
async function* sendNew(
  context: GatewayContext,
  stream: EventStream,
  reader: Reader,
): AsyncGenerator<string, 'some' | 'none' | 'failed'> {
  const { principal, id } = stream.record.task;
  try {
    const events = await context.store.readEvents(principal.tenant, id, reader.position.after, eventsAtOnce);
    for (const event of events) {
      for await (const message of messagesOf(context, { stream, event, skip: reader.position.bytes })) {
        yield encodeEvent(message);
        reader.spokeAt = context.clock.monotonic();
        if (message.id !== undefined) reader.position = parseEventId(message.id);
        if (stream.signal.aborted) return 'some';
      }
      reader.position = { after: event.seq, bytes: 0 };
      if (event.kind === 'task') reader.state = event.state;
    }
    return events.length > 0 ? 'some' : 'none';
  } catch (err) {
    if (!hasCode(err, 'MOLT_STORE_DOWN')) throw err;
    context.log.debug({ err, taskId: id }, 'an event stream waits for the store');
    return 'failed';
  }
}

interface EventToSend {
  readonly stream: EventStream;
  readonly event: TaskEvent;
  readonly skip: number;
}

async function* messagesOf(
  context: GatewayContext,
  { stream, event, skip }: EventToSend,
): AsyncGenerator<EventMessage> {
  const id = formatEventId(event.seq);
  const at = isoTime(event.at);
  if (event.kind === 'task') {
    yield { event: 'task', id, data: { state: event.state, at } };
    return;
  }
  const target = stream.targets.get(event.runId) ?? '';
  if (event.kind === 'output') {
    yield* outputToEvents(context.store, { tenant: stream.record.task.principal.tenant, target, event, skip });
    return;
  }
  const { runId: run } = event;
  if (event.kind === 'resolved') {
    yield { event: 'resolved', id, data: { run, target, as: event.as, by: event.by, at } };
    return;
  }
  const { state, exitCode, signal, errorCode } = event;
  const retryAt = event.retryAt === undefined ? undefined : isoTime(event.retryAt);
  yield { event: 'run', id, data: { run, target, state, exitCode, signal, errorCode, retryAt, at } };
}

/** Reads the state itself now and then: a store that was emptied and re-learned the task numbers its events anew. */
async function refresh(context: GatewayContext, stream: EventStream, reader: Reader): Promise<'there' | 'gone'> {
  const { principal, id } = stream.record.task;
  try {
    const record = await context.store.getTask(principal.tenant, id);
    if (record) reader.state = record.state;
    return record ? 'there' : 'gone';
  } catch (err) {
    if (!hasCode(err, 'MOLT_STORE_DOWN')) throw err;
    return 'there';
  }
}
