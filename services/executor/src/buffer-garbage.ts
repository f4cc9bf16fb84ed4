import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of output between two collections: each pass leaves about three times as much in dead buffers. */
const everyBytes = 4 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;

/**
 * Counts output that passed through, and has the young generation collected every few MiB of it.
 * Dead buffers lie outside the heap, where V8 lets 64 MiB of them stand before it looks: without this, one long output swells
 * the process by that much, for good. A minor collection takes about a millisecond.
 */
export function createBufferGarbage(): (bytes: number) => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < everyBytes) return;
    passed = 0;
    collect({ type: 'minor' });
  };
}
