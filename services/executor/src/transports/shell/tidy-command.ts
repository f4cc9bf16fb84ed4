import type { ExecSpec } from '@moltbot/plugin-sdk';
import type { GuardConfig } from '@moltbot/shared';
import { guardProgram } from './program.ts';
import { tidyProgram } from './requests.ts';

/** What removes records past their retention on a host, by whatever login shell, and prints `clean` when none is left. */
export async function tidyCommand(guard: GuardConfig): Promise<ExecSpec> {
  const { tidy } = await guardProgram();
  return { command: 'exec /bin/sh', stdin: `{ ${tidyProgram(tidy, guard)}} </dev/null\nexit\n` };
}
