import type { RunRecord, TaskRecord } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { ChatFile } from '../platform.ts';
import { imageTypeOf } from './image-type.ts';

interface WholeOutput {
  readonly tenant: string;
  readonly task: TaskRecord;
  readonly runs: readonly RunRecord[];
  /** Of the file; what is over is left out, and said. */
  readonly maxBytes: number;
}

const pieceBytes = 256 * 1024;
/** Left for what says that something is missing. */
const lastWordsBytes = 200;

/** All that the runs of a task have printed, one after the other, in one file of text; an image where that is all there is. */
export async function outputToFile(
  store: Pick<Store, 'readOutput'>,
  { tenant, task, runs, maxBytes }: WholeOutput,
): Promise<ChatFile> {
  const file = createPieces(maxBytes - lastWordsBytes);
  const outputs = runs.flatMap(({ id, target, stdoutBytes, stderrBytes }) => [
    { id, target, stream: 'stdout' as const, total: stdoutBytes },
    { id, target, stream: 'stderr' as const, total: stderrBytes },
  ]);
  const printed = outputs.filter(({ total }) => total > 0);
  for (const { id, target, stream, total } of printed) {
    if (printed.length > 1) file.add(Buffer.from(`==> ${target} ${stream} <==\n`));
    for (let from = 0; from < total && !file.isCut(); ) {
      const slice = await store.readOutput(tenant, id, stream, from, pieceBytes);
      if (!slice || slice.data.length === 0) break;
      file.add(slice.data);
      from = slice.offset + slice.data.length;
    }
    if (printed.length > 1) file.add(Buffer.from('\n'));
  }
  const bytes = file.bytes();
  const image = file.isCut() ? undefined : imageTypeOf(bytes);
  if (image !== undefined) return { name: `${task.task.id}.${image}`, bytes, isImage: true };
  if (file.isCut()) file.end(Buffer.from(`\n[cut: GET /v1/tasks/${task.task.id}/output gives all of it]\n`));
  return { name: `${task.task.id}.txt`, bytes: file.bytes() };
}

function createPieces(maxBytes: number) {
  const pieces: Buffer[] = [];
  let left = maxBytes;
  let isCut = false;
  return {
    add(piece: Buffer): void {
      isCut ||= piece.length > left;
      pieces.push(piece.subarray(0, left));
      left -= Math.min(left, piece.length);
    },
    end: (piece: Buffer): void => void pieces.push(piece),
    isCut: () => isCut,
    bytes: () => Buffer.concat(pieces),
  };
}
