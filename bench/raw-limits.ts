import { once } from 'node:events';
import { connect as connectAmqp } from 'amqplib';
import ssh2 from 'ssh2';

export interface SshHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
}

export interface RawSsh {
  /** Runs a command over the connection of a lane; resolves to its exit code. */
  exec(lane: number, command: string): Promise<number>;
  close(): void;
}

export interface RawAmqp {
  /** One persistent, mandatory 1 KiB message, confirmed. */
  publish(): Promise<void>;
  /** Throws away what was published: a backlog would slow the broker for what is measured next. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Warm ssh2 connections, and nothing else: the limit of everything that runs a command over them. */
export async function connectRawSsh(hosts: readonly SshHost[]): Promise<RawSsh> {
  const clients = await Promise.all(
    hosts.map(async ({ host, port, user, privateKey }) => {
      const client = new ssh2.Client();
      client.connect({ host, port, username: user, privateKey, algorithms: { cipher: ['aes128-gcm@openssh.com'] } });
      await once(client, 'ready');
      client.setNoDelay(true);
      return client;
    }),
  );
  const exec = (lane: number, command: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const client = clients[lane % clients.length];
      if (!client) throw new Error('no connection');
      client.exec(command, (error, channel) => {
        if (error) return reject(error);
        let code = -1;
        channel.on('exit', (exitCode: number) => {
          code = exitCode;
        });
        channel.on('close', () => resolve(code));
        channel.resume();
        channel.stderr.resume();
      });
    });
  return {
    exec,
    close() {
      for (const client of clients) client.end();
    },
  };
}

/** One amqplib confirm channel on a quorum queue: the limit of everything that is confirmed by the broker. */
export async function connectRawAmqp(url: string): Promise<RawAmqp> {
  const connection = await connectAmqp(url, { noDelay: true });
  connection.on('error', () => {});
  const channel = await connection.createConfirmChannel();
  const queue = 'bench.raw';
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  const body = Buffer.alloc(1_024, 'x');
  const publish = (): Promise<void> =>
    new Promise((resolve, reject) => {
      channel.publish('', queue, body, { persistent: true, mandatory: true }, (error) =>
        error ? reject(error as Error) : resolve(),
      );
    });
  return {
    publish,
    async clear() {
      await channel.purgeQueue(queue);
    },
    async close() {
      await channel.deleteQueue(queue);
      await connection.close();
    },
  };
}
