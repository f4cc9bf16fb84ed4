import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Asked, outputToStatus } from '../../src/output-to-status.ts';
import { scriptFor } from '../../src/script.ts';
import { SystemStatus } from '../../src/status.ts';
import type { Answers } from './hosts.ts';

const run = promisify(execFile);

/** So many that what a test is after is among them, whatever else is busy. */
export const usual: Asked = { top: 20, sample: 1 };

/** The status in what a script printed; it has to fit what is promised of it. */
export function statusIn(output: string, asked: Asked = usual): SystemStatus {
  const status = outputToStatus(output, asked);
  if (!status) throw new Error(`the script did not begin: ${output}`);
  return SystemStatus.parse(JSON.parse(JSON.stringify(status)));
}

/** Runs the script on this host, in a shell: `dash`, `busybox sh`. */
export async function look(
  shell: string,
  options: { readonly asked?: Asked; readonly path?: string } = {},
): Promise<SystemStatus> {
  const { asked = usual, path = '/usr/bin:/bin' } = options;
  const [program = '', ...args] = shell.split(' ');
  const env = { PATH: path, HOME: '/' };
  const { stdout } = await run(program, [...args, '-c', await scriptFor(asked)], { env });
  return statusIn(stdout, asked);
}

/** Makes a directory for the time of `work`. */
async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'molt-system-'));
  await chmod(directory, 0o755);
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs it where this shell and /proc are all there is: no program, no file to read, no place to write. */
export const lookBare = (shell: string, asked: Asked = usual): Promise<SystemStatus> =>
  inDirectory(async (root) => {
    const [program = '', ...args] = shell.split(' ');
    const { stdout: libraries } = await run('ldd', [`/usr/bin/${program}`]);
    for (const file of [`/usr/bin/${program}`, ...(libraries.match(/\/[^ ]+/g) ?? [])]) {
      await mkdir(join(root, dirname(file)), { recursive: true });
      await cp(await realpath(file), join(root, file));
    }
    await mkdir(join(root, 'proc'));
    // The mounts end with this process: nothing of the host is changed, and nothing is left to undo.
    const enter = 'mount --bind -o ro "$0" "$0" && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
    const command = [`/usr/bin/${program}`, ...args, '-c', await scriptFor(asked)];
    const { stdout } = await run('unshare', ['-m', 'sh', '-c', enter, root, ...command]);
    return statusIn(stdout, asked);
  });

/** Runs it on this host as it is after `enter`, commands of a shell whose mounts nobody else sees. */
export async function lookInside(enter: string, shell: string): Promise<SystemStatus> {
  const command = [...shell.split(' '), '-c', await scriptFor(usual)];
  const { stdout } = await run('unshare', ['-m', 'sh', '-c', `${enter} && exec "$@"`, 'sh', ...command]);
  return statusIn(stdout);
}

const tools = ['uname', 'sw_vers', 'sysctl', 'vm_stat', 'vmstat', 'swapinfo', 'swapctl'].concat(
  ...['df', 'mount', 'top', 'ps', 'getconf', 'uptime', 'date'],
);

/** Prints what is written down for its command line, another text at the second call where there is one. */
const standIn = `#!/bin/sh
answer="\${0%/*}/answers/\${0##*/}\${*:+ $*}"
if [ -e "$answer.seen" ]; then exec /bin/cat "$answer.2"; fi
[ ! -e "$answer.2" ] || : >"$answer.seen"
exec /bin/cat "$answer"
`;

/** Runs it on a host of another kind: no /proc, and its programs are stand-ins that print what those print there. */
export const lookAtStandIn = (answers: Answers, asked: Asked = usual): Promise<SystemStatus> =>
  inDirectory(async (directory) => {
    await mkdir(join(directory, 'answers'));
    for (const tool of tools) await writeFile(join(directory, tool), standIn, { mode: 0o755 });
    await writeFile(join(directory, 'answers', 'os-release'), '');
    for (const [command, given] of Object.entries(answers)) {
      const [first, second] = [given].flat();
      await writeFile(join(directory, 'answers', command), first ?? '');
      if (second !== undefined) await writeFile(join(directory, 'answers', `${command}.2`), second);
    }
    const enter =
      'mount --bind "$0/answers/os-release" /usr/lib/os-release && mount -t tmpfs none /proc && PATH=$0:/usr/bin:/bin exec dash -c "$1"';
    const { stdout } = await run('unshare', ['-m', 'sh', '-c', enter, directory, await scriptFor(asked)]);
    return statusIn(stdout, asked);
  });

/** Runs `work` with a PATH whose first directory has these programs, by name and text. */
export const withPrograms = <T>(
  programs: Readonly<Record<string, string>>,
  work: (path: string) => Promise<T>,
): Promise<T> =>
  inDirectory(async (directory) => {
    for (const [name, text] of Object.entries(programs))
      await writeFile(join(directory, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return work(`${directory}:/usr/bin:/bin`);
  });
