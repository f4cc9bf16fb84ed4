import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuardOrder, Transport } from '@moltbot/plugin-sdk';
import { createLogger, type GuardConfig, type Logger, Secret, type SshConfig, type SshTarget } from '@moltbot/shared';
import type { TestSshd } from '@moltbot/testkit';
import { createSshTransport, type SshTransportDeps } from '../../src/transports/ssh/transport.ts';
import { type Collecting, collect, type RunExtra } from './support.ts';

/** A transport that trusts one sshd by a known_hosts file of its own, with the lines it logged. */
export interface SshBench {
  readonly transport: Transport;
  readonly ssh: SshConfig;
  readonly guard: GuardConfig;
  readonly target: SshTarget;
  readonly knownHosts: string;
  readonly logged: () => readonly Record<string, unknown>[];
  exec(command: string, extra?: RunExtra & { readonly target?: SshTarget }): Collecting;
  stop(): Promise<void>;
}

export async function createBench(
  sshd: TestSshd,
  options: Partial<SshConfig> &
    Pick<SshTransportDeps, 'clock' | 'killGraceMs' | 'killVerdictMs' | 'registry'> &
    Pick<SshTarget, 'guard'> = {},
): Promise<SshBench> {
  const { clock, killGraceMs, killVerdictMs, registry, guard: kind, ...config } = options;
  const dir = await mkdtemp(join(tmpdir(), 'molt-ssh-'));
  const knownHosts = join(dir, 'known_hosts');
  await writeFile(knownHosts, `${sshd.knownHostsLine}\n`);
  const ssh: SshConfig = {
    knownHosts,
    hostKeys: 'strict',
    channelsPerConnection: 8,
    startsPerHost: 4,
    keepaliveMs: 10_000,
    idleCloseMs: 60_000,
    identities: { test: { privateKey: new Secret(sshd.privateKey) } },
    ...config,
  };
  const guard: GuardConfig = { directory: join(sshd.dir, 'guard'), retentionMs: 86_400_000 };
  await mkdir(guard.directory, { recursive: true });
  await chmod(guard.directory, 0o777);
  const { log, logged } = keepingLogger();
  const deps = { clock, killGraceMs, killVerdictMs, registry };
  const given = Object.fromEntries(Object.entries(deps).filter(([, value]) => value !== undefined));
  const transport = createSshTransport({ ssh, guard, log, ...given });
  await transport.start();
  const target: SshTarget = { ...targetOf(sshd), ...(kind && { guard: kind }) };
  return {
    transport,
    ssh,
    guard,
    target,
    knownHosts,
    logged,
    exec: (command, extra = {}) => collect(transport, { target, ...extra, spec: { command, ...extra.spec } }),
    async stop() {
      await transport.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The first start of a guarded command, with nothing known of it. */
export const guardOrder = (id: string): GuardOrder => ({
  id,
  attempt: 1,
  mode: 'start',
  from: { stdout: 0, stderr: 0 },
  totalMs: 0,
  onAttached: () => {},
});

export const targetOf = ({ host, port, user }: Pick<TestSshd, 'host' | 'port' | 'user'>): SshTarget => ({
  transport: 'ssh',
  name: 'web-1',
  labels: {},
  pool: 'default',
  host,
  port,
  user,
  identity: 'test',
});

function keepingLogger(): { readonly log: Logger; readonly logged: () => readonly Record<string, unknown>[] } {
  const lines: string[] = [];
  const log = createLogger({
    service: 'test',
    level: 'debug',
    destination: { write: (line) => void lines.push(line) },
  });
  return { log, logged: () => lines.map((line) => JSON.parse(line)) };
}
