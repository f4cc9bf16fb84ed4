import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP hop on 127.0.0.1 that can fail like a network does. */
export interface TcpProxy {
  readonly port: number;
  /** Drops every connection, and refuses new ones until `heal`. */
  cut(): void;
  /** Holds every byte, both ways, without closing anything, until `thaw`. New connections are taken and held too. */
  freeze(): void;
  thaw(): void;
  heal(): void;
  /** Connections that are open through it. */
  connections(): number;
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

/** Starts a proxy to a port of 127.0.0.1. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let refusing = false;
  let frozen = false;

  const server = createServer((client) => {
    if (refusing) return void client.destroy();
    const pair = { client, target: connect({ port: targetPort, host: '127.0.0.1', noDelay: true }) };
    client.setNoDelay(true);
    pairs.add(pair);
    join(pair, () => pairs.delete(pair));
    if (frozen) hold(pair);
  });
  const cut = (): void => {
    refusing = true;
    for (const pair of pairs) drop(pair);
  };
  const thaw = (): void => {
    frozen = false;
    for (const pair of pairs) release(pair);
  };
  return {
    port: await listen(server),
    cut,
    freeze: () => {
      frozen = true;
      for (const pair of pairs) hold(pair);
    },
    thaw,
    heal: () => {
      refusing = false;
      thaw();
    },
    connections: () => pairs.size,
    stop: async () => {
      cut();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function join(pair: Pair, gone: () => void): void {
  const { client, target } = pair;
  for (const socket of [client, target]) {
    socket.on('error', () => {});
    socket.once('close', () => {
      drop(pair);
      gone();
    });
  }
  client.pipe(target);
  target.pipe(client);
}

function hold({ client, target }: Pair): void {
  client.unpipe(target).pause();
  target.unpipe(client).pause();
}

function release({ client, target }: Pair): void {
  client.pipe(target);
  target.pipe(client);
}

function drop({ client, target }: Pair): void {
  client.destroy();
  target.destroy();
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the port cannot be read');
  return address.port;
}
