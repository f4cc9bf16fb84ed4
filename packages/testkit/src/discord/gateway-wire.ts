import { constants, createDeflate } from 'node:zlib';
import type { WebSocket } from 'ws';

/** What leaves on one gateway connection, in order. */
export interface Wire {
  /** As it is now: later changes of the payload are not sent. */
  send(payload: unknown): void;
  /** JSON. */
  sendText(text: string): void;
  /** After what was sent before. */
  close(code: number, reason?: string): void;
  /** The connection ends without a word. */
  cut(): void;
  /** Neither reads nor writes until `release`, and closes nothing. */
  hold(): void;
  release(): void;
}

/** With `zlib-stream`, every payload is a piece of one zlib stream. https://discord.com/developers/docs/events/gateway#zlibstream */
export function createWire(socket: WebSocket, compression: 'zlib-stream' | undefined): Wire {
  const pack = compression ? createPacker() : (text: string) => text;
  let tail: Promise<void> = Promise.resolve();
  let held: PromiseWithResolvers<void> | undefined;
  const inOrder = (step: () => void | Promise<void>): void => {
    tail = tail.then(async () => {
      await held?.promise;
      if (socket.readyState === socket.OPEN) await step();
    });
  };
  const sendText = (text: string): void => inOrder(async () => socket.send(await pack(text)));
  return {
    send: (payload) => sendText(JSON.stringify(payload)),
    sendText,
    close: (code, reason) => inOrder(() => socket.close(code, reason)),
    cut: () => socket.terminate(),
    hold() {
      held ??= Promise.withResolvers();
      socket.pause();
    },
    release() {
      held?.resolve();
      held = undefined;
      socket.resume();
    },
  };
}

function createPacker(): (text: string) => Promise<Buffer> {
  const deflate = createDeflate();
  const pieces: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => pieces.push(piece));
  return (text) => {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    deflate.write(text);
    deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(Buffer.concat(pieces.splice(0))));
    return promise;
  };
}
