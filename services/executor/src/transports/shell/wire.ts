import type { OutputStream } from '@moltbot/plugin-sdk';
import { pumpOutput } from '../output-pump.ts';
import type { ShellChannel } from './contract.ts';

export type WireListener = (stream: OutputStream, chunk: Buffer) => Promise<void>;

/** A channel with one reader at a time. */
export interface Wire {
  isOpen(): boolean;
  /** Resolves when the channel has closed and all it gave was read. */
  readonly closed: Promise<void>;
  send(text: string): void;
  /**
   * Takes the place of the listener before it. What comes while there is none is dropped. It must not reject.
   * @param onClosed called when the channel has closed, unless another has taken its place by then
   */
  listen(listener: WireListener | undefined, onClosed?: () => void): void;
  close(): void;
}

export function openWire(channel: ShellChannel): Wire {
  let listener: WireListener | undefined;
  let onGone: (() => void) | undefined;
  let isOpen = true;
  let isGone = false;
  const pump = pumpOutput(channel, async (stream, chunk) => {
    await listener?.(stream, chunk);
  });
  const gone = (): void => {
    isOpen = false;
  };
  channel.ended.then(gone, gone);
  // Output that was on its way is read before the end is told.
  const closed = Promise.allSettled([pump.done, channel.ended]).then(() => {
    gone();
    isGone = true;
    onGone?.();
  });
  return {
    isOpen: () => isOpen,
    closed,
    send: (text) => channel.write(text),
    listen(next, onClosed) {
      listener = next;
      onGone = onClosed;
      if (isGone) onClosed?.();
    },
    close() {
      isOpen = false;
      channel.close();
    },
  };
}
