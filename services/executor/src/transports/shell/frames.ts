/** Takes what a stream holds: output of the command, and the words of frames. */
export interface FrameSink {
  data(chunk: Buffer): Promise<void>;
  frame(words: readonly string[]): void;
}

/** Cuts frames out of one stream, wherever chunks are split. */
export interface FrameCutter {
  push(chunk: Buffer): Promise<void>;
}

const lineFeed = 0x0a;
const recordSeparator = 0x1e;
const empty = Buffer.alloc(0);

/**
 * A frame is `\036MOLT <nonce> <words>` and a line feed; whatever else looks like one is output. Output is handed on as slices of
 * the chunks. Held back is only what can be the start of a frame, and as the first byte of the mark is nowhere else in it, that
 * is known by its length.
 */
export function createFrameCutter(nonce: string, sink: FrameSink): FrameCutter {
  const mark = Buffer.from(`\x1eMOLT ${nonce} `);
  /** Bytes of the mark that were seen at the end of the last chunk. */
  let matched = 0;
  let line: Buffer | undefined;

  /** Takes the rest of a frame from the front of the chunk; returns what follows it. */
  const readLine = (begun: Buffer, chunk: Buffer): Buffer => {
    const end = chunk.indexOf(lineFeed);
    if (end < 0) {
      line = Buffer.concat([begun, chunk]);
      return empty;
    }
    line = undefined;
    sink.frame(`${begun.toString()}${chunk.toString('utf8', 0, end)}`.split(' '));
    return chunk.subarray(end + 1);
  };
  const readMark = async (chunk: Buffer): Promise<Buffer> => {
    const length = Math.min(mark.length - matched, chunk.length);
    if (mark.compare(chunk, 0, length, matched, matched + length) !== 0) {
      const held = mark.subarray(0, matched);
      matched = 0;
      await sink.data(held);
      return chunk;
    }
    matched += length;
    if (matched === mark.length) {
      matched = 0;
      line = empty;
    }
    return chunk.subarray(length);
  };
  /** Hands on what cannot begin a frame; returns what follows. */
  const readData = async (chunk: Buffer): Promise<Buffer> => {
    for (let at = chunk.indexOf(recordSeparator); at >= 0; at = chunk.indexOf(recordSeparator, at + 1)) {
      const length = Math.min(mark.length, chunk.length - at);
      if (mark.compare(chunk, at, at + length, 0, length) !== 0) continue;
      matched = length;
      if (length === mark.length) {
        matched = 0;
        line = empty;
      }
      if (at > 0) await sink.data(chunk.subarray(0, at));
      return chunk.subarray(at + length);
    }
    await sink.data(chunk);
    return empty;
  };
  return {
    async push(chunk) {
      for (let rest = chunk; rest.length > 0; ) {
        if (line !== undefined) rest = readLine(line, rest);
        else if (matched > 0) rest = await readMark(rest);
        else rest = await readData(rest);
      }
    },
  };
}
