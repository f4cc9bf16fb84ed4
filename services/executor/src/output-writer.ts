import type { OutputStream } from '@moltbot/plugin-sdk';
import type { Clock } from '@moltbot/shared';
import type { OutputChunk, RunToken, Store } from '@moltbot/store';
import { whileStoreIsDown } from './outage-patience.ts';

export interface OutputWriterDeps {
  readonly store: Pick<Store, 'appendOutput'>;
  readonly clock: Clock;
  readonly token: RunToken;
  /** Bytes of both streams that are kept. */
  readonly capBytes: number;
  /** Bytes of both streams that are stored already. Default 0. */
  readonly storedBytes?: number;
  /** Called once when the store says that another worker holds the run. */
  readonly onFenced: () => void;
}

/** What is not in the store yet, and where it belongs. */
export interface OutputRest {
  readonly at: number;
  readonly chunks: readonly OutputChunk[];
}

export interface OutputWriter {
  /** Resolves when more is welcome. Beyond the cap output is dropped, and the command goes on. */
  write(stream: OutputStream, data: Buffer): Promise<void>;
  /** Ends writing; resolves to the last piece, small enough to travel with the finish of the run. Rejects when an append failed. */
  end(): Promise<OutputRest>;
  truncated(): boolean;
}

/** Pieces leave at this size, or this long after their first byte. */
const flushBytes = 64 * 1024;
const flushMs = 50;
/** What may wait in memory; above it `write` waits, and with it the command. */
const bufferBytes = 256 * 1024;

/** Carries output to the store in order, in pieces, under explicit offsets, with back-pressure; waits while the store is down. */
export function createOutputWriter(deps: OutputWriterDeps): OutputWriter {
  const { store, clock, token, capBytes, storedBytes = 0 } = deps;
  const joiner = createJoiner();
  let buffer: OutputChunk[] = [];
  let buffered = 0;
  let stored = storedBytes;
  let kept = storedBytes;
  let truncated = false;
  let fenced = false;
  let ended = false;
  let failure: unknown;
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> = Promise.resolve();

  const append = async (chunks: readonly OutputChunk[], bytes: number): Promise<void> => {
    if (fenced) return;
    const outcome = await whileStoreIsDown(() => store.appendOutput(token, stored, chunks), clock);
    // A gap that ends where this piece ends means: an earlier try was stored though its answer was lost.
    const isStored = outcome.kind === 'ok' || (outcome.kind === 'gap' && outcome.storedBytes === stored + bytes);
    if (isStored) {
      stored += bytes;
      return;
    }
    fenced = true;
    deps.onFenced();
  };

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    flushing = flushing
      .then(async () => {
        const chunks = joinNeighbours(buffer, joiner);
        const bytes = buffered;
        if (chunks.length === 0) return;
        buffer = [];
        await append(chunks, bytes);
        buffered -= bytes;
      })
      .catch((error: unknown) => {
        failure ??= error;
      });
    return flushing;
  };

  return {
    async write(stream, data) {
      const room = Math.max(0, capBytes - kept);
      if (data.length > room) truncated = true;
      const piece = data.subarray(0, room);
      if (fenced || ended || piece.length === 0) return;
      buffer.push({ stream, data: piece });
      buffered += piece.length;
      kept += piece.length;
      if (buffered >= flushBytes) {
        const flushed = flush();
        if (buffered >= bufferBytes) await flushed;
        return;
      }
      timer ??= setTimeout(() => void flush(), flushMs);
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      await flushing;
      if (buffered > flushBytes) await flush();
      if (failure !== undefined) throw failure;
      return { at: stored, chunks: fenced ? [] : joinNeighbours(buffer, joiner) };
    },
    truncated: () => truncated,
  };
}

/** One chunk where several of the same stream follow each other. */
function joinNeighbours(chunks: readonly OutputChunk[], joiner: Joiner): readonly OutputChunk[] {
  const groups: { stream: OutputStream; parts: Buffer[] }[] = [];
  for (const { stream, data } of chunks) {
    const last = groups.at(-1);
    if (last?.stream === stream) last.parts.push(data);
    else groups.push({ stream, parts: [data] });
  }
  joiner.reset();
  return groups.map(({ stream, parts }) => ({ stream, data: joiner.join(parts) }));
}

interface Joiner {
  /** Takes its memory back: what it joined before is used up. */
  reset(): void;
  join(parts: readonly Buffer[]): Buffer;
}

/**
 * Joins into memory of its own that it uses again and again. Fresh buffers would be garbage outside the heap, which V8
 * collects only after some 64 MiB of it: a long output would swell the process by that much.
 */
function createJoiner(): Joiner {
  let memory = Buffer.alloc(0);
  let used = 0;
  return {
    reset() {
      used = 0;
    },
    join(parts) {
      const [only] = parts;
      if (only && parts.length === 1) return only;
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      if (used + length > memory.length) {
        memory = Buffer.allocUnsafeSlow(Math.max(length, 2 * flushBytes));
        used = 0;
      }
      const joined = memory.subarray(used, used + length);
      used += length;
      let at = 0;
      for (const part of parts) at += part.copy(joined, at);
      return joined;
    },
  };
}
