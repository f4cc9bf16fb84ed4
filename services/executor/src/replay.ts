import type { OutputStream } from '@moltbot/plugin-sdk';

type Offsets = Readonly<Record<OutputStream, number>>;

/** The output of one command, as it comes and comes again. */
export interface CommandReplay {
  /** Bytes of each stream of the command that need not come any more. */
  from(): Offsets;
  /** Its output begins here now. */
  attachedAt(at: Offsets): void;
  /** What of a piece was not here before. */
  fresh(stream: OutputStream, data: Buffer): Buffer;
  /** All of it has come: what is still to be skipped is of what follows it. */
  end(): void;
}

/** Where the output of a run that is run again meets what is stored of it. */
export interface Replay {
  /** What of a piece that the action wrote by itself was not here before. */
  fresh(stream: OutputStream, data: Buffer): Buffer;
  /** For the next command; one at a time. */
  command(): CommandReplay;
}

/** @param stored bytes of each stream that are here, and come again first */
export function createReplay(stored: Offsets): Replay {
  const skip = { ...stored };
  return {
    fresh(stream, data) {
      const known = Math.min(skip[stream], data.length);
      skip[stream] -= known;
      return known === 0 ? data : data.subarray(known);
    },
    command() {
      const done = { ...skip };
      let at = { ...done };
      return {
        from: () => ({ ...done }),
        attachedAt(offsets) {
          at = { ...offsets };
        },
        fresh(stream, data) {
          const known = Math.min(Math.max(0, done[stream] - at[stream]), data.length);
          at[stream] += data.length;
          done[stream] = Math.max(done[stream], at[stream]);
          return known === 0 ? data : data.subarray(known);
        },
        end() {
          for (const stream of ['stdout', 'stderr'] as const) skip[stream] = Math.max(0, done[stream] - at[stream]);
        },
      };
    },
  };
}
