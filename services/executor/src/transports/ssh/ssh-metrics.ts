import { counter, gauge, type Registry } from '@moltbot/shared';

export interface SshMetrics {
  /** @param outcome `ok` or an error code */
  connected(outcome: string): void;
  /** A command that was to end: was its process group seen to be gone? */
  killed(verdict: 'verified' | 'unverified'): void;
}

/** Without a registry nothing is counted. */
export function createSshMetrics(registry: Registry | undefined, connections: () => number): SshMetrics {
  if (!registry) return { connected: () => {}, killed: () => {} };
  const connects = counter(registry, {
    name: 'moltbot_ssh_connects_total',
    help: 'Tries to open an SSH connection, by outcome: ok or an error code.',
    labelNames: ['outcome'],
  });
  const kills = counter(registry, {
    name: 'moltbot_ssh_kills_total',
    help: 'Commands that were told to end, by what was seen of their process group.',
    labelNames: ['verdict'],
  });
  const open = gauge(registry, { name: 'moltbot_ssh_connections', help: 'Open SSH connections.' });
  Object.assign(open, { collect: () => open.set(connections()) });
  return {
    connected: (outcome) => connects.inc({ outcome }),
    killed: (verdict) => kills.inc({ verdict }),
  };
}
