import type { Captured, CaptureSpec, OutputStream } from '@moltbot/plugin-sdk';
import type { RunCommand } from './guarded-exec.ts';
import { createReplay } from './replay.ts';

export interface CaptureDeps {
  readonly run: RunCommand;
  /** Notes that the command printed something, of this many bytes. */
  readonly onOutput: (bytes: number) => void;
  /** Adds to the output of the run. */
  readonly write: (stream: OutputStream, data: Buffer) => Promise<void>;
}

const defaultMaxBytes = 256 * 1_024;

/** Runs a command and keeps what it prints. Its output is asked for from the first byte, whatever of the run is stored. */
export async function capture(
  { maxBytes = defaultMaxBytes, stream: streams = false, ...spec }: CaptureSpec,
  { run, onOutput, write }: CaptureDeps,
): Promise<Captured> {
  const kept = { stdout: createKeeper(maxBytes), stderr: createKeeper(maxBytes) };
  const result = await run(spec, {
    replay: createReplay({ stdout: 0, stderr: 0 }).command(),
    needsAll: true,
    async write(stream, data) {
      kept[stream].take(data);
      if (streams) await write(stream, data);
      else onOutput(data.length);
    },
  });
  const { stdout, stderr } = kept;
  return { ...result, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.isFull() || stderr.isFull() };
}

interface Keeper {
  take(data: Buffer): void;
  /** Something was dropped. */
  isFull(): boolean;
  text(): string;
}

/** Keeps the first bytes of a stream. */
function createKeeper(maxBytes: number): Keeper {
  const pieces: Buffer[] = [];
  let kept = 0;
  let isFull = false;
  return {
    take(data) {
      const piece = data.subarray(0, maxBytes - kept);
      isFull ||= piece.length < data.length;
      kept += piece.length;
      // Copied, as a small piece would hold on to the large chunk it was cut from.
      if (piece.length > 0) pieces.push(Buffer.from(piece));
    },
    isFull: () => isFull,
    // Of a character that the limit cuts through nothing is left.
    text: () => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(pieces), { stream: isFull }),
  };
}
