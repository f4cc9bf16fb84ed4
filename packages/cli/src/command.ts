import type { ParseArgsOptionsConfig } from 'node:util';

/** What a command may touch of its process. */
export interface Terminal {
  /** Both take whole lines, without the last newline. */
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** What a command ends with: done; it went wrong; it was not used as it must be. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface Command {
  /** As it is typed: `config check`. */
  readonly name: string;
  /** What may follow it: `[--file FILE]`. */
  readonly usage: string;
  readonly summary: string;
  /** Names of the words that must follow it, in order. */
  readonly words?: readonly string[];
  readonly options: ParseArgsOptionsConfig;
  /** @param values options and words by name */
  run(values: Readonly<Record<string, unknown>>, terminal: Terminal): Promise<ExitCode>;
}
