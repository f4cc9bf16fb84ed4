import type { OutputChunk } from './port.ts';

/** Neighbours of one stream joined, empty ones left out: fewer pieces to store, the same bytes in the same order. */
export function joinChunks(chunks: readonly OutputChunk[]): readonly OutputChunk[] {
  const joined: { stream: OutputChunk['stream']; parts: Buffer[] }[] = [];
  for (const { stream, data } of chunks) {
    if (data.length === 0) continue;
    const last = joined.at(-1);
    if (last?.stream === stream) last.parts.push(data);
    else joined.push({ stream, parts: [data] });
  }
  return joined.map(({ stream, parts: [first, ...more] }) => ({
    stream,
    data: first && more.length === 0 ? first : Buffer.concat([...(first ? [first] : []), ...more]),
  }));
}

/** What is left of the chunks after their first `bytes` bytes. */
export function skipBytes(chunks: readonly OutputChunk[], bytes: number): readonly OutputChunk[] {
  const rest: OutputChunk[] = [];
  let skip = bytes;
  for (const { stream, data } of chunks) {
    if (skip < data.length) rest.push({ stream, data: data.subarray(skip) });
    skip = Math.max(0, skip - data.length);
  }
  return rest;
}
