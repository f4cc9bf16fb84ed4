import type { Socket } from 'node:net';

/**
 * Lets what is written to a socket in one turn of the event loop leave together: one system call and one segment, where a
 * library writes each small packet by itself. Latency stays: the turn ends as soon as its events are handled.
 */
export function corkByTurn(socket: Socket): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  socket.write = (...args: unknown[]): boolean => {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(uncork);
    }
    return write(...args);
  };
}
