import { once } from 'node:events';
import { startSshd } from '@moltbot/testkit';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { prepareKeys } from '../../src/transports/ssh/prepared-keys.ts';

const exec = (client: ssh2.Client, command: string): Promise<number> =>
  new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      let bytes = 0;
      channel.on('data', (data: Buffer) => {
        bytes += data.length;
      });
      channel.stderr.resume();
      channel.on('close', () => resolve(bytes));
    });
  });

test.each(['aes128-gcm@openssh.com', 'aes128-ctr'] as const)(
  'the keys of %s are prepared, and again after a new key exchange',
  async (cipher) => {
    // The server asks for new keys after each megabyte.
    const sshd = await startSshd({ config: ['RekeyLimit 1M'] });
    const client = new ssh2.Client();
    const turned = prepareKeys(client);
    try {
      const { host, port, user, privateKey } = sshd;
      client.connect({
        host,
        port,
        username: user,
        privateKey,
        algorithms: { cipher: [cipher], hmac: ['hmac-sha2-256-etm@openssh.com'] },
      });
      await once(client, 'ready');
      // The server is killed while we say goodbye.
      client.on('error', () => {});
      expect(turned()).toBe(2);
      expect(await exec(client, 'head -c 5000000 /dev/zero')).toBe(5_000_000);
      expect(turned()).toBeGreaterThanOrEqual(6);
    } finally {
      client.end();
      await sshd.stop();
    }
  },
);
