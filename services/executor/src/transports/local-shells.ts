import type { TransportResult } from '@moltbot/plugin-sdk';
import { type Clock, MoltError } from '@moltbot/shared';
import { type Environment, openLocalChannel } from './local-shell.ts';
import {
  openResident,
  type ResidentOptions,
  type ResidentShell,
  residentCommand,
  type ShellRun,
} from './shell/resident.ts';

/** Resident shells on this host: as many as commands run at once. */
export interface LocalShells {
  exec(work: ShellRun): Promise<TransportResult>;
  /** One that waits for a command now. */
  idle(): ResidentShell | undefined;
  close(): void;
}

/** So many wait for commands, and each so long, ms. */
const mostIdle = 16;
const idleMs = 30_000;

export function createLocalShells(deps: {
  readonly env: Environment;
  readonly clock: Clock;
  readonly options: ResidentOptions;
}): LocalShells {
  const { env, clock, options } = deps;
  const waiting: { readonly shell: ResidentShell; readonly command: string; readonly since: number }[] = [];
  let closed = new AbortController();
  let isWatched = false;

  const take = (command: string): ResidentShell | undefined => {
    for (;;) {
      const at = waiting.findLastIndex((one) => one.command === command);
      const shell = at < 0 ? undefined : waiting.splice(at, 1)[0]?.shell;
      if (!shell || shell.isReusable()) return shell;
      shell.close();
    }
  };
  const open = async (command: string): Promise<ResidentShell> => {
    const channel = await openLocalChannel(env, clock, command).catch((cause: Error) => {
      throw new MoltError('MOLT_NO_GUARD', cause.message, { cause });
    });
    return openResident(channel, options);
  };
  const closeIdle = async (): Promise<void> => {
    isWatched = true;
    const { signal } = closed;
    try {
      while (waiting.length > 0) {
        await clock.sleep(idleMs, signal);
        const oldest = clock.monotonic() - idleMs;
        const count = waiting.filter(({ since }) => since <= oldest).length;
        for (const { shell } of waiting.splice(0, count)) shell.close();
      }
    } finally {
      isWatched = false;
    }
  };
  const giveBack = (shell: ResidentShell, command: string): void => {
    if (!shell.isReusable() || waiting.length >= mostIdle || closed.signal.aborted) {
      shell.close();
      return;
    }
    waiting.push({ shell, command, since: clock.monotonic() });
    if (!isWatched) closeIdle().catch(() => {});
  };
  return {
    async exec(work) {
      if (closed.signal.aborted) closed = new AbortController();
      const command = residentCommand(work.run.target);
      const shell = take(command) ?? (await open(command));
      try {
        return await shell.exec(work);
      } finally {
        giveBack(shell, command);
      }
    },
    idle: () => waiting.at(-1)?.shell,
    close() {
      closed.abort();
      for (const { shell } of waiting.splice(0)) shell.close();
    },
  };
}
