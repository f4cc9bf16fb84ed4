import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { type ServerProcess, startProcess } from './server-process.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Starts a service from its sources, as an operator would, with a configuration and nothing else of this process's environment. */
export function startService(
  service: 'gateway' | 'executor' | 'scheduler' | 'discord-ingress' | 'lark-ingress' | 'standalone',
  options: { readonly directory: string; readonly name: string; readonly environment: Record<string, string> },
): ServerProcess {
  const { directory, name, environment } = options;
  return startProcess({
    command: process.execPath,
    args: [join(root, 'services', service, 'src', 'main.ts')],
    env: {
      ...compileCache(),
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/',
      HOSTNAME: name,
      ...environment,
    },
    cwd: directory,
    logFile: join(directory, `${name}.log`),
  });
}

/** Where node keeps what it compiled, when this process was told: a third of what a start costs. */
export function compileCache(): { readonly NODE_COMPILE_CACHE?: string } {
  const directory = process.env['NODE_COMPILE_CACHE'];
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: directory };
}

/** Resolves when `/readyz` answers 200. */
export const untilReady = (url: string, server: ServerProcess, withinMs = 30_000): Promise<boolean> =>
  eventually(
    `${url} ready (${server.log().slice(-1_500)})`,
    async () => {
      if (server.exited()) throw new Error(`it ended:\n${server.log()}`);
      return (await fetch(`${url}/readyz`)).status === 200;
    },
    { withinMs, everyMs: 50 },
  );

/** Resident memory of a process in MiB, from /proc. */
export function residentMib(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
