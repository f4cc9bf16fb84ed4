import { randomBytes } from 'node:crypto';
import type { OutputStream, TransportRun } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';
import { createFrameCutter } from './frames.ts';
import type { Wire } from './wire.ts';

/** What one request is answered by: output, frames, and an end in both streams. */
export interface Exchange {
  readonly nonce: string;
  /**
   * Resolves to the words of the end on stdout when both streams are complete, or at once to those of a refusal.
   * Rejects with what `onOutput` rejected with, or with MOLT_SSH_LOST when the channel closes first.
   */
  readonly finished: Promise<readonly string[]>;
  /** Nothing is handed over from here on. */
  stop(): void;
}

const newNonce = (): string => randomBytes(16).toString('base64url');

interface Answered extends Pick<TransportRun, 'onOutput'> {
  readonly target: { readonly name: string };
}

export interface ExchangeOptions {
  /** Default: a new one. */
  readonly nonce?: string | undefined;
  /** What the end on stderr must name, by the words of the one on stdout; undefined of the end of something else. Default: nothing. */
  readonly endOf?: (words: readonly string[]) => string | undefined;
}

/** @param onFrame takes the words of what is neither an end nor a refusal */
export function openExchange(
  wire: Wire,
  run: Answered,
  onFrame: (words: readonly string[]) => void,
  { nonce = newNonce(), endOf = () => '' }: ExchangeOptions = {},
): Exchange {
  const { promise: finished, resolve, reject } = Promise.withResolvers<readonly string[]>();
  // The end may be known before anyone waits for it.
  finished.catch(() => {});
  let end: readonly string[] | undefined;
  const endsOfStderr = new Set<string | undefined>();
  let settled = false;
  const onWords = (stream: OutputStream, words: readonly string[]): void => {
    const [kind] = words;
    if (stream === 'stderr') {
      if (kind === 'end') endsOfStderr.add(words[1] ?? '');
    } else if (kind === 'end') {
      if (endOf(words) !== undefined) end = words;
    } else if (kind === 'refuse') resolve(words);
    else onFrame(words);
    if (end && endsOfStderr.has(endOf(end))) resolve(end);
  };
  const cutter = (stream: OutputStream) =>
    createFrameCutter(nonce, {
      data: async (chunk) => {
        if (settled) return;
        try {
          await run.onOutput(stream, chunk);
        } catch (error) {
          settled = true;
          reject(error);
        }
      },
      frame: (words) => onWords(stream, words),
    });
  const cutters = { stdout: cutter('stdout'), stderr: cutter('stderr') };
  // Not by a promise of the wire: what waits for it is kept for as long as the wire lives.
  wire.listen(
    (stream, chunk) => cutters[stream].push(chunk),
    () => reject(lost(run)),
  );
  return {
    nonce,
    finished,
    stop() {
      settled = true;
      wire.listen(undefined);
    },
  };
}

const lost = ({ target }: Answered): MoltError =>
  new MoltError(
    'MOLT_SSH_LOST',
    `the shell on ${target.name} ended, or the connection to it broke, while the command ran`,
  );
