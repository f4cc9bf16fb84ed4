import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (Linux: 32768 and up): a server that binds seconds later must still find
 * it free. One after the other from a random one on, so that two callers hardly meet.
 */
const [lowest, highest] = [10_000, 32_000] as const;
let candidate = lowest + Math.floor(Math.random() * (highest - lowest));

/** A TCP port on 127.0.0.1 that was free a moment ago, and was not given to this process before. */
export async function freePort(): Promise<number> {
  for (;;) {
    candidate = candidate < highest ? candidate + 1 : lowest;
    const port = candidate;
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const bound = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (bound) await new Promise<void>((resolve) => server.close(() => resolve()));
  return bound;
}
