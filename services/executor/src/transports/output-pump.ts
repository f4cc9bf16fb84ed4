import type { Readable } from 'node:stream';
import type { OutputStream } from '@moltbot/plugin-sdk';

export interface OutputPump {
  /** Resolves when both streams have ended and all was taken; rejects with what `onOutput` rejected with. */
  readonly done: Promise<void>;
  /** Is output waiting to be taken? */
  busy(): boolean;
}

/** What sshd puts into one packet: reading just that much hands it on as it is, where reading all would copy it together. */
const pieceBytes = 32 * 1024;

/**
 * Hands the output of two streams to `onOutput` in order, one chunk at a time. While one is being taken nothing more is read,
 * of either stream: both share one flow-control window over SSH, so reading one alone would let the other grow without bound.
 * What came meanwhile is handed over in pieces of the size of a packet.
 */
export function pumpOutput(
  streams: Readonly<Record<OutputStream, Readable>>,
  onOutput: (stream: OutputStream, data: Buffer) => Promise<void>,
): OutputPump {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const open = new Set<OutputStream>(['stdout', 'stderr']);
  let taking = false;
  let failed = false;

  const take = async (): Promise<void> => {
    if (taking || failed) return;
    taking = true;
    try {
      for (let found = true; found; ) {
        found = false;
        for (const name of ['stdout', 'stderr'] as const) {
          const data = readSome(streams[name]);
          if (data === null) continue;
          found = true;
          await onOutput(name, data);
        }
      }
    } catch (error) {
      failed = true;
      reject(error);
    } finally {
      taking = false;
    }
    if (open.size === 0) resolve();
  };

  for (const name of ['stdout', 'stderr'] as const) {
    const ended = (): void => {
      open.delete(name);
      void take();
    };
    streams[name]
      .on('readable', () => void take())
      .once('end', ended)
      .once('close', ended)
      .on('error', ended);
  }
  return { done, busy: () => taking };
}

/** A plain `read` also asks for more, or for the end, when nothing is there. */
function readSome(stream: Readable): Buffer | null {
  const { readableLength } = stream;
  return readableLength === 0 ? stream.read() : stream.read(Math.min(readableLength, pieceBytes));
}
