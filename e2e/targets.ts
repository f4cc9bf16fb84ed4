import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, startSshd, type TestSshd } from '@moltbot/testkit';

/** Hosts for the suites: three good ones, and one for each way to be out of reach. */
export interface TestTargets {
  readonly sshds: readonly TestSshd[];
  /** The part of config.yaml that names them. */
  readonly config: Record<string, unknown>;
  stop(): Promise<void>;
}

export async function startTargets(directory: string): Promise<TestTargets> {
  const sshds = await Promise.all([startSshd(), startSshd(), startSshd(), startSshd()]);
  const [one, two, three, changed] = sshds as [TestSshd, TestSshd, TestSshd, TestSshd];
  const knownHosts = join(directory, 'known_hosts');
  const good = [one, two, three];
  const lines = [...good.map((sshd) => sshd.knownHostsLine), changed.knownHostsLine];
  writeFileSync(knownHosts, `${lines.join('\n')}\n`);
  await changed.changeHostKey();
  const ssh = (name: string, sshd: TestSshd, more: object = {}) => ({
    ...{ name, transport: 'ssh', host: sshd.host, port: sshd.port, user: sshd.user, identity: `key-${sshd.port}` },
    ...more,
  });
  return {
    sshds,
    config: {
      ssh: {
        knownHosts,
        identities: Object.fromEntries(sshds.map((sshd) => [`key-${sshd.port}`, { privateKey: sshd.privateKey }])),
      },
      targets: [
        { name: 'local', transport: 'local' },
        ...good.map((sshd, index) => ssh(`web-${index + 1}`, sshd, { labels: { role: 'web' } })),
        ssh('no-such-host', one, { host: 'no-such-host.invalid' }),
        ssh('refused-key', one, { identity: `key-${changed.port}` }),
        ssh('unreachable', one, { port: await freePort() }),
        ssh('changed-key', changed),
        ssh('unknown-key', one, { host: 'localhost' }),
      ],
    },
    async stop() {
      await Promise.all(sshds.map((sshd) => sshd.stop()));
    },
  };
}
