import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { type ServerProcess, startProcess, untilListening } from './server-process.ts';

const run = promisify(execFile);

export interface SshdOptions {
  /** More lines for sshd_config: `MaxSessions 3`. The first line of a kind wins, so these come first. */
  readonly config?: readonly string[];
  /** Login user, made when missing. Default `molttest`. */
  readonly user?: string;
  /** Login shell of a user that is made. Default /bin/sh, which reads no start-up file. */
  readonly shell?: string;
  /** Default: a free one. */
  readonly port?: number;
}

/** A real sshd on 127.0.0.1 with its own keys and directory. Needs root, as logging in as another user does. */
export interface TestSshd {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** OpenSSH private key that may log in, as text and as a file. */
  readonly privateKey: string;
  readonly privateKeyFile: string;
  /** The line of a known_hosts file, without an end of line. Follows `changeHostKey`. */
  readonly knownHostsLine: string;
  /** `SHA256:…`. Follows `changeHostKey`. */
  readonly hostKeyFingerprint: string;
  readonly dir: string;
  /** Ends the listener and every session with SIGKILL, as a host that falls over. Commands are left running. */
  kill(): Promise<void>;
  /** Ends the sessions alone: connections are cut, new ones are taken. */
  killSessions(): Promise<void>;
  /** Starts it again on the same port, ending the old one first when it still runs. */
  restart(): Promise<void>;
  /** Makes a new host key and restarts. */
  changeHostKey(): Promise<void>;
  /** Stops listener and sessions with SIGSTOP: connections are taken by the kernel and nobody answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends all and removes the directory. */
  stop(): Promise<void>;
}

export async function startSshd(options: SshdOptions = {}): Promise<TestSshd> {
  const user = options.user ?? 'molttest';
  await ensureUser(user, options.shell ?? '/bin/sh');
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const dir = await mkdtemp(join(tmpdir(), 'molt-sshd-'));
  // sshd reads authorized_keys as the user who logs in.
  await chmod(dir, 0o755);
  await makeKey(join(dir, 'id'));
  await writeFile(join(dir, 'authorized_keys'), await readFile(join(dir, 'id.pub')), { mode: 0o644 });
  await makeKey(join(dir, 'hostkey'));
  const port = options.port ?? (await freePort());
  await writeFile(join(dir, 'sshd_config'), configFile(dir, port, options.config ?? []));

  let server = await listen(dir, port);
  let publicKey = await readFile(join(dir, 'hostkey.pub'), 'utf8');
  let fingerprint = await fingerprintOf(join(dir, 'hostkey.pub'));
  const privateKey = await readFile(join(dir, 'id'), 'utf8');

  const kill = async (): Promise<void> => {
    const sessions = await descendants(server.pid);
    await server.kill('SIGKILL');
    signalAll(sessions, 'SIGKILL');
  };
  const restart = async (): Promise<void> => {
    await kill();
    server = await listen(dir, port);
  };
  return {
    host: '127.0.0.1',
    port,
    user,
    privateKey,
    privateKeyFile: join(dir, 'id'),
    get knownHostsLine() {
      return `[127.0.0.1]:${port} ${publicKey.split(' ').slice(0, 2).join(' ')}`;
    },
    get hostKeyFingerprint() {
      return fingerprint;
    },
    dir,
    kill,
    restart,
    killSessions: async () => signalAll(await descendants(server.pid), 'SIGKILL'),
    async changeHostKey() {
      await rm(join(dir, 'hostkey'));
      await makeKey(join(dir, 'hostkey'));
      publicKey = await readFile(join(dir, 'hostkey.pub'), 'utf8');
      fingerprint = await fingerprintOf(join(dir, 'hostkey.pub'));
      await restart();
    },
    async pause() {
      await server.kill('SIGSTOP');
      signalAll(await descendants(server.pid), 'SIGSTOP');
    },
    async resume() {
      signalAll(await descendants(server.pid), 'SIGCONT');
      await server.kill('SIGCONT');
    },
    async stop() {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const configFile = (dir: string, port: number, more: readonly string[]): string =>
  [
    ...more,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${dir}/hostkey`,
    'PidFile none',
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    'UsePAM no',
    // The temporary directory of the machine is writable by everybody.
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n');

async function listen(dir: string, port: number): Promise<ServerProcess> {
  const server = startProcess({
    command: '/usr/sbin/sshd',
    args: ['-D', '-e', '-f', join(dir, 'sshd_config')],
    logFile: join(dir, 'log'),
  });
  await untilListening(server, port);
  return server;
}

const makeKey = (file: string): Promise<unknown> => run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);

async function fingerprintOf(file: string): Promise<string> {
  const { stdout } = await run('ssh-keygen', ['-l', '-f', file]);
  return stdout.split(' ')[1] ?? '';
}

/**
 * One at a time, in all test files: two at once take two uids for one name, and its home is the other's.
 * A password of `*` allows keys; the `!` of a plain useradd is refused as a locked account.
 */
async function ensureUser(user: string, shell: string): Promise<void> {
  const make = 'id -u "$1" >/dev/null 2>&1 || exec useradd -m -s "$2" -p "*" "$1"';
  await run('flock', [join(tmpdir(), 'molt-useradd.lock'), 'sh', '-c', make, 'sh', user, shell]);
}

/** sshd processes below `pid`; a command's own processes are not among them. */
async function descendants(pid: number): Promise<readonly number[]> {
  const children = new Map<number, number[]>();
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    const [, command, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? [];
    if (command !== 'sshd') continue;
    const list = children.get(Number(parent)) ?? [];
    children.set(Number(parent), [...list, Number(name)]);
  }
  const below = (parent: number): number[] => (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself in between.
    }
  }
}
