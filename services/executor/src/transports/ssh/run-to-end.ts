import type { EngineChannel } from './engine.ts';
import { orAborted } from './time-limit.ts';

/** A small program of our own, for a channel of its own. */
export interface AsideProgram {
  readonly command: string;
  readonly stdin?: string | undefined;
}

/** What a command printed on stdout until its end. @throws what `opening` does, or the reason of the signal */
export async function runToEnd(
  opening: Promise<EngineChannel>,
  { stdin }: AsideProgram,
  signal: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    const channel = await orAborted(opening, signal);
    channel.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    channel.stderr.resume();
    channel.endInput(stdin);
    await orAborted(channel.ended, signal);
  } finally {
    // It may be opened only now that nobody waits for it.
    opening.then((channel) => channel.close()).catch(() => {});
  }
  return Buffer.concat(chunks).toString('utf8');
}
