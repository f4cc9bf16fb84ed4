import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { replyIdOf } from '@moltbot/shared';
import { eventually, freePort } from '@moltbot/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { openCallbacksLab, startReceiver } from './callbacks-lab.ts';

/** A server that does with each connection what it likes. */
async function startRawServer(onConnection: (socket: Socket) => void): Promise<{ url: string; open(): number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the port cannot be read');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    open() {
      // A socket that nobody reads does not tell that it was closed.
      for (const socket of sockets) socket.resume();
      return sockets.size;
    },
  };
}

/** Writes a piece every few ms, for as long as there is somebody. */
function drip(socket: Socket, piece: string): void {
  const timer = setInterval(() => socket.write(piece), 20);
  socket.once('close', () => clearInterval(timer));
}

const failing: Readonly<Record<string, { behave(socket: Socket): void; reason: RegExp }>> = {
  'never answers': { behave: (socket) => void socket.resume(), reason: /the post took longer than 400 ms/ },
  'does not even read': { behave: (socket) => void socket.pause(), reason: /the post took longer than 400 ms/ },
  'sends its headers a byte at a time': {
    behave: (socket) => {
      socket.resume().write('HTTP/1.1 200 OK\r\nx-slow: ');
      drip(socket, 'a');
    },
    reason: /the post took longer than 400 ms/,
  },
  'says "continue" without end': {
    behave: (socket) => void drip(socket.resume(), 'HTTP/1.1 100 Continue\r\n\r\n'),
    reason: /the post took longer than 400 ms/,
  },
  'speaks something else': { behave: (socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'), reason: /Parse Error/ },
  'sends headers without end': {
    behave: (socket) => {
      socket.resume().write('HTTP/1.1 200 OK\r\n');
      drip(socket, `x-long: ${'a'.repeat(8_000)}\r\n`);
    },
    reason: /Header overflow/i,
  },
  'hangs up': { behave: (socket) => void socket.destroy(), reason: /ECONNRESET|socket hang up/ },
  'wants another protocol': {
    behave: (socket) => {
      socket.resume().end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    },
    reason: /without an answer|hang up/,
  },
};

test.each(Object.entries(failing))('a receiver that %s has not taken its reply', async (_name, { behave, reason }) => {
  const lab = await openCallbacksLab();
  const receiver = await startRawServer(behave);
  // Where another failure is meant, a machine that stands still must not make a time-out of it.
  const timeoutMs = /took longer/.test(reason.source) ? 400 : 20_000;
  const { service } = await lab.deliverer({ timeoutMs, giveUpAfterMs: 0 });
  await lab.send({ url: receiver.url });
  const [letter] = await lab.dead();
  expect(letter?.reason).toMatch(/^MOLT_CALLBACK_FAILED: /);
  expect(letter?.reason).toMatch(reason);
  await eventually('no connection to be left', () => receiver.open() === 0);
  await service.stop();
});

test('an answer without end is cut off after 64 KiB, and its status stands', async () => {
  const lab = await openCallbacksLab();
  let sent = 0;
  const receiver = await startRawServer((socket) => {
    socket.resume().write('HTTP/1.1 200 OK\r\n\r\n');
    const pour = (): void => {
      const piece = Buffer.alloc(16_384, 'x');
      while (socket.writable && socket.write(piece)) sent += piece.length;
      if (socket.writable) socket.once('drain', pour);
    };
    pour();
  });
  const { count } = await lab.deliverer({ timeoutMs: 20_000 });
  const began = performance.now();
  await lab.send({ url: receiver.url });
  await lab.settled();
  expect(await count('delivered')).toBe(1);
  expect(performance.now() - began).toBeLessThan(10_000);
  await eventually('the connection to be closed', () => receiver.open() === 0);
  // What the two sides' socket buffers hold comes on top.
  expect(sent).toBeLessThan(16 * 1_024 * 1_024);
});

test('an answer that drips is cut off, and its status stands', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startRawServer((socket) => {
    socket.resume().write('HTTP/1.1 202 Accepted\r\n\r\n');
    drip(socket, 'a');
  });
  const { count } = await lab.deliverer({ timeoutMs: 20_000 });
  const began = performance.now();
  await lab.send({ url: receiver.url });
  await lab.settled();
  expect(await count('delivered')).toBe(1);
  expect(performance.now() - began).toBeLessThan(10_000);
  await eventually('the connection to be closed', () => receiver.open() === 0);
});

test('receivers that hang do not hold up the others, and get at most four posts at a time', async () => {
  const lab = await openCallbacksLab();
  const hanging = await startReceiver(() => {});
  const good = await startReceiver();
  await lab.deliverer({ timeoutMs: 20_000 });
  for (let task = 0; task < 60; task += 1) await lab.send({ url: hanging.url });
  for (let task = 0; task < 40; task += 1) await lab.send({ url: good.url });
  await eventually('the good one to have all', () => good.ids().size === 40, { withinMs: 15_000 });
  expect(hanging.busiest()).toBe(4);
  expect(good.busiest()).toBeLessThanOrEqual(4);
});

test('a receiver that hung gets one post at a time; what finds it busy waits, and that counts as no try', async () => {
  const lab = await openCallbacksLab();
  let isRight = false;
  const receiver = await startReceiver((_post, response) => {
    if (isRight) response.writeHead(204).end();
  });
  const { count } = await lab.deliverer({ timeoutMs: 400 });
  await lab.send({ url: receiver.url });
  await eventually('the first to fail', async () => (await count('retried')) > 0);
  for (let task = 0; task < 5; task += 1) await lab.send({ url: receiver.url });
  await eventually('the others to wait', async () => (await count('waited')) > 5);
  expect(receiver.busiest()).toBe(1);
  isRight = true;
  await lab.settled();
  expect(receiver.ids().size).toBe(6);
  expect(await count('delivered')).toBe(6);
});

test('connections are used again, and one that the receiver closed meanwhile costs no try', async () => {
  const lab = await openCallbacksLab();
  const connections: Socket[] = [];
  let posts = 0;
  const receiver = await startRawServer((socket) => {
    connections.push(socket);
    socket.on('data', () => {
      posts += 1;
      // The third post meets a connection that is being closed.
      if (posts === 3) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
  });
  const { count } = await lab.deliverer();
  for (let post = 1; post <= 3; post += 1) {
    await lab.send({ url: receiver.url });
    await lab.settled();
  }
  expect([await count('delivered'), await count('retried')]).toEqual([3, 0]);
  expect([posts, connections.length]).toEqual([4, 2]);
});

test.each(['http://127.0.0.1:PORT/', 'http://localhost:PORT/', 'http://[::1]:PORT/', 'http://2130706433:PORT/'])(
  '%s is not called unless it is allowed',
  async (pattern) => {
    const lab = await openCallbacksLab();
    const receiver = await startReceiver();
    await lab.deliverer({ allow: [], giveUpAfterMs: 0 });
    await lab.send({ url: pattern.replace('PORT', String(receiver.port)) });
    const [letter] = await lab.dead();
    expect(letter?.reason).toMatch(
      /^MOLT_CALLBACK_FAILED: .* leads to no address that is public or in callbacks\.allow/,
    );
    expect(receiver.posts).toHaveLength(0);
  },
);

test('a name that is allowed is called', async () => {
  const lab = await openCallbacksLab();
  const receiver = await startReceiver();
  await lab.deliverer({ allow: ['localhost'] });
  const task = await lab.send({ url: `http://localhost:${receiver.port}/` });
  await lab.settled();
  expect([...receiver.ids()]).toEqual([replyIdOf(task.id)]);
});

test('a name that does not resolve is a failed try', async () => {
  const lab = await openCallbacksLab();
  await lab.deliverer({ giveUpAfterMs: 0 });
  await lab.send({ url: 'http://receiver.invalid/' });
  const [letter] = await lab.dead();
  expect(letter?.reason).toMatch(/^MOLT_CALLBACK_FAILED: getaddrinfo (ENOTFOUND|EAI_AGAIN) receiver\.invalid/);
});

test('a name whose every address refuses is a failed try', async () => {
  const lab = await openCallbacksLab();
  await lab.deliverer({ allow: ['localhost'], giveUpAfterMs: 0 });
  await lab.send({ url: `http://localhost:${await freePort()}/` });
  const [letter] = await lab.dead();
  expect(letter?.reason).toMatch(/^MOLT_CALLBACK_FAILED: .*ECONNREFUSED/);
});

test('a certificate that nobody vouches for is refused, and taken once it is trusted', async () => {
  const lab = await openCallbacksLab();
  const { key, cert } = await selfSigned();
  const receiver = await startReceiver(undefined, { make: (listener) => createTlsServer({ key, cert }, listener) });
  const url = `https://127.0.0.1:${receiver.port}/`;
  const first = await lab.deliverer({ giveUpAfterMs: 0 });
  await lab.send({ url });
  const [letter] = await lab.dead();
  expect(letter?.reason).toMatch(/^MOLT_CALLBACK_FAILED: .*self-signed certificate/);
  expect(receiver.posts).toHaveLength(0);
  await first.service.stop();

  const before = getCACertificates();
  setDefaultCACertificates([...before, cert]);
  onTestFinished(() => setDefaultCACertificates(before));
  await lab.deliverer();
  const task = await lab.send({ url });
  await lab.settled();
  expect([...receiver.ids()]).toEqual([replyIdOf(task.id)]);
});

async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'moltbot-callbacks-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=receiver', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}
