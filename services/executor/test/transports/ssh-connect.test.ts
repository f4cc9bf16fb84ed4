import { execFileSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { type Clock, Secret, type SshConfig, systemClock } from '@moltbot/shared';
import { eventually, freePort, startSshd, startTcpProxy, type TestSshd } from '@moltbot/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createBench, type SshBench } from './ssh-support.ts';

let sshd: TestSshd;
const benches: SshBench[] = [];
const onStart = async (): Promise<void> => expect.unreachable('it must not start');

beforeAll(async () => {
  sshd = await startSshd();
});
afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.stop()));
});
afterAll(() => sshd.stop());

async function bench(options: Parameters<typeof createBench>[1] = {}): Promise<SshBench> {
  const made = await createBench(sshd, options);
  benches.push(made);
  return made;
}

/** A clock whose time can be moved; it sleeps in real time. */
function movableClock(): Clock & { forward(ms: number): void } {
  let ahead = 0;
  return {
    ...systemClock,
    monotonic: () => systemClock.monotonic() + ahead,
    forward(ms) {
      ahead += ms;
    },
  };
}

describe('why there is no connection', () => {
  test('the name is not known', async () => {
    const { exec, target } = await bench();
    const unknown = exec('true', { onStart, target: { ...target, host: 'no-such-host.invalid' } });
    await expect(unknown).rejects.toMatchObject({
      code: 'MOLT_SSH_UNKNOWN_HOST',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });

  test('nobody listens', async () => {
    const { exec, target } = await bench();
    const refused = exec('true', { onStart, target: { ...target, port: await freePort() } });
    await expect(refused).rejects.toMatchObject({
      code: 'MOLT_SSH_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('the host takes the connection and says nothing', async () => {
    const { exec } = await bench();
    await sshd.pause();
    try {
      await expect(exec('true', { onStart, connectMs: 300 })).rejects.toMatchObject({ code: 'MOLT_SSH_TIMEOUT' });
    } finally {
      await sshd.resume();
    }
    expect((await exec('true')).result).toEqual({ exitCode: 0 });
  });

  test('our key is refused: user and identity are named, the key is not, and it is not tried again at once', async () => {
    const other = new Secret(makeKey());
    const clock = movableClock();
    const { exec } = await bench({ clock, identities: { test: { privateKey: other } } });
    const before = await attemptsAtLogIn();
    const first = await exec('true', { onStart }).catch((error: unknown) => error);
    expect(first).toMatchObject({
      code: 'MOLT_SSH_REFUSED_KEY',
      message: expect.stringMatching(/"molttest".*"test"/),
    });
    expect(JSON.stringify(first)).not.toContain('PRIVATE KEY');
    await expect(exec('true', { onStart })).rejects.toMatchObject({
      code: 'MOLT_SSH_REFUSED_KEY',
      details: { retryAfterMs: expect.any(Number) },
    });
    clock.forward(2_000);
    await expect(exec('true', { onStart })).rejects.toMatchObject({ code: 'MOLT_SSH_REFUSED_KEY' });
    await eventually('both tries are in the log of the host', async () => (await attemptsAtLogIn()) >= before + 2);
    expect(await attemptsAtLogIn()).toBe(before + 2);
  });

  test('an identity that cannot be used', async () => {
    const identities = {
      test: { privateKey: new Secret('no key') },
      none: {},
      locked: { privateKey: new Secret(makeKey('pass')) },
    };
    const { exec, target } = await bench({ identities });
    for (const identity of ['test', 'none', 'locked', 'missing']) {
      const failing = exec('true', { onStart, target: { ...target, identity } });
      await expect(failing).rejects.toMatchObject({
        code: 'MOLT_SSH_IDENTITY',
        message: expect.stringContaining(`"${identity}"`),
      });
    }
  });

  test('a key with a passphrase is opened', async () => {
    const { exec, ssh } = await bench({
      identities: {
        test: { privateKey: new Secret(lockedCopy(sshd.privateKey, 'pass')), passphrase: new Secret('pass') },
      },
    });
    expect(JSON.stringify(ssh)).not.toContain('pass"');
    expect((await exec('true')).result).toEqual({ exitCode: 0 });
  });

  test('a host that hangs up before the handshake is tried a few times, then given up', async () => {
    let connections = 0;
    const rude = createServer((socket) => {
      connections++;
      socket.end('Exceeded MaxStartups\r\n');
    });
    const port = await freePort();
    await new Promise<void>((resolve) => rude.listen(port, '127.0.0.1', resolve));
    try {
      const { exec, target } = await bench();
      await expect(exec('true', { onStart, target: { ...target, port } })).rejects.toMatchObject({
        code: 'MOLT_SSH_UNREACHABLE',
      });
      expect(connections).toBe(8);
    } finally {
      rude.close();
    }
  });
});

describe('the breaker', () => {
  test('opens after three failures, fails at once, lets one through, and closes', async () => {
    const clock = movableClock();
    const { exec, target: base } = await bench({ clock });
    const proxy = await startTcpProxy(sshd.port);
    const target = { ...base, port: proxy.port, hostKey: sshd.hostKeyFingerprint };
    try {
      const idle = await freePort();
      const gone = { ...target, port: idle };
      const fail = async () => exec('true', { onStart, target: gone }).catch((error: { code: string }) => error.code);
      expect([await fail(), await fail(), await fail()]).toEqual(Array(3).fill('MOLT_SSH_UNREACHABLE'));
      const open = exec('true', { onStart, target: gone });
      await expect(open).rejects.toMatchObject({
        code: 'MOLT_SSH_BREAKER',
        message: expect.stringMatching(/next is made in [45]s/),
      });
      clock.forward(5_000);
      expect(await fail()).toBe('MOLT_SSH_UNREACHABLE');
      clock.forward(5_000);
      expect(await fail()).toBe('MOLT_SSH_BREAKER');
      clock.forward(5_000);
      const server = createServer((socket) => socket.pipe(connectTo(sshd.port)).pipe(socket));
      await new Promise<void>((resolve) => server.listen(idle, '127.0.0.1', resolve));
      expect((await exec('true', { target: gone })).result).toEqual({ exitCode: 0 });
      server.close();
      // Another target is not touched by it.
      expect((await exec('true', { target })).result).toEqual({ exitCode: 0 });
    } finally {
      await proxy.stop();
    }
  });

  test('many commands that wait for one connection are one failure', async () => {
    const { exec, target: base } = await bench();
    const target = { ...base, port: await freePort() };
    const fails = () =>
      Promise.all(
        Array.from({ length: 20 }, () =>
          exec('true', { onStart, target }).catch((error: { code: string }) => error.code),
        ),
      );
    expect(new Set(await fails())).toEqual(new Set(['MOLT_SSH_UNREACHABLE']));
    expect(new Set(await fails())).toEqual(new Set(['MOLT_SSH_UNREACHABLE']));
  });
});

describe('host keys', () => {
  test('unknown: refused with the fingerprint and the line to add, and taken as soon as it is added', async () => {
    const { exec, knownHosts } = await bench();
    await writeFile(knownHosts, '# empty\n');
    await expect(exec('true', { onStart })).rejects.toMatchObject({
      code: 'MOLT_SSH_HOST_KEY_UNKNOWN',
      message: expect.stringContaining(sshd.hostKeyFingerprint),
      remedy: expect.stringContaining(`${knownHosts}: ${sshd.knownHostsLine}`),
    });
    await writeFile(knownHosts, `${sshd.knownHostsLine}\n`);
    expect((await exec('true')).result).toEqual({ exitCode: 0 });
  });

  test('changed: a hard stop and an alert, with strict and with accept-new', async () => {
    for (const hostKeys of ['strict', 'accept-new'] as const) {
      const { exec, knownHosts, logged } = await bench({ hostKeys });
      const wrong = otherKeyLine(sshd.port);
      await writeFile(knownHosts, `${wrong}\n`);
      await expect(exec('true', { onStart })).rejects.toMatchObject({
        code: 'MOLT_SSH_HOST_KEY_CHANGED',
        message: expect.stringContaining(sshd.hostKeyFingerprint),
      });
      expect(logged().filter(({ level }) => level === 'error')).toHaveLength(1);
      expect(await readFile(knownHosts, 'utf8')).toBe(`${wrong}\n`);
    }
  });

  test('changed on the host while we run: the next connection stops', async () => {
    const own = await startSshd();
    const made = await createBench(own);
    try {
      expect((await made.exec('true')).result).toEqual({ exitCode: 0 });
      await own.changeHostKey();
      // That the former connection is gone may not be known yet; a command sent on it is lost with it.
      const next = (): Promise<unknown> => made.exec('true').catch((error: unknown) => error);
      const lost = { code: 'MOLT_SSH_LOST' };
      await expect.poll(next, { timeout: 10_000 }).not.toMatchObject(lost);
      await expect(made.exec('true')).rejects.toMatchObject({ code: 'MOLT_SSH_HOST_KEY_CHANGED' });
    } finally {
      await made.stop();
      await own.stop();
    }
  });

  test('revoked: a hard stop, though it is on file too', async () => {
    const { exec, knownHosts } = await bench();
    await writeFile(
      knownHosts,
      `${sshd.knownHostsLine}\n@revoked * ${sshd.knownHostsLine.split(' ').slice(1).join(' ')}\n`,
    );
    await expect(exec('true', { onStart })).rejects.toMatchObject({
      code: 'MOLT_SSH_HOST_KEY_CHANGED',
      message: expect.stringContaining('@revoked'),
    });
  });

  test('of another type than on file: not taken', async () => {
    const { exec, knownHosts } = await bench({ hostKeys: 'accept-new' });
    await writeFile(knownHosts, `${otherKeyLine(sshd.port, 'ecdsa')}\n`);
    await expect(exec('true', { onStart })).rejects.toMatchObject({ code: 'MOLT_SSH_HOST_KEY_CHANGED' });
  });

  test('the type on file is the one negotiated, when the host has several', async () => {
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', `${sshd.dir}/extra_rsa`]);
    const two = await startSshd({ config: [`HostKey ${sshd.dir}/extra_rsa`] });
    const made = await createBench(two);
    const rsa = (await readFile(`${sshd.dir}/extra_rsa.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(made.knownHosts, `[127.0.0.1]:${two.port} ${rsa}\n`);
    try {
      expect((await made.exec('true')).result).toEqual({ exitCode: 0 });
    } finally {
      await made.stop();
      await two.stop();
    }
  });

  test('pinned on the target: that key and no other, whatever is on file', async () => {
    const { exec, target, knownHosts } = await bench();
    await writeFile(knownHosts, '');
    expect((await exec('true', { target: { ...target, hostKey: sshd.hostKeyFingerprint } })).result).toEqual({
      exitCode: 0,
    });
    const wrong = exec('true', { onStart, target: { ...target, hostKey: `SHA256:${'A'.repeat(43)}` } });
    await expect(wrong).rejects.toMatchObject({ code: 'MOLT_SSH_HOST_KEY_CHANGED' });
  });

  test('hashed names', async () => {
    const { exec, knownHosts } = await bench();
    execFileSync('ssh-keygen', ['-H', '-f', knownHosts], { stdio: 'ignore' });
    expect(await readFile(knownHosts, 'utf8')).toMatch(/^\|1\|/);
    expect((await exec('true')).result).toEqual({ exitCode: 0 });
  });

  test('accept-new puts the key on file once, for the owner alone, and says so', async () => {
    const { exec, knownHosts, logged, target } = await bench({ hostKeys: 'accept-new' });
    await writeFile(knownHosts, '# kept');
    const users = [target, { ...target, user: 'root' }];
    await Promise.all(users.map((user) => exec('true', { target: user })));
    expect(await readFile(knownHosts, 'utf8')).toBe(`# kept\n${sshd.knownHostsLine}\n`);
    expect(logged().filter(({ fingerprint }) => fingerprint === sshd.hostKeyFingerprint)).toHaveLength(1);
    const fresh = await bench({
      hostKeys: 'accept-new',
      knownHosts: `${knownHosts}.d/known_hosts`,
    } satisfies Partial<SshConfig>);
    expect((await fresh.exec('true')).result).toEqual({ exitCode: 0 });
    expect((await stat(fresh.ssh.knownHosts)).mode & 0o777).toBe(0o600);
  });

  test('lines of certificate authorities are said to be of no use, once', async () => {
    const { exec, knownHosts, logged } = await bench();
    await writeFile(
      knownHosts,
      `@cert-authority * ${sshd.knownHostsLine.split(' ').slice(1).join(' ')}\n${sshd.knownHostsLine}\n`,
    );
    expect((await exec('true')).result).toEqual({ exitCode: 0 });
    expect(logged().filter(({ msg }) => String(msg).includes('@cert-authority'))).toHaveLength(1);
  });
});

test('no timer and no socket is left after stop, even with a connection being made', async () => {
  const before = process.getActiveResourcesInfo().length;
  const made = await createBench(sshd);
  await made.exec('true');
  await sshd.pause();
  const pending = made
    .exec('true', { onStart, target: { ...made.target, identity: 'test', user: 'root' } })
    .catch((error: { code: string }) => error.code);
  await sshd.resume();
  await made.stop();
  expect(await pending).toBe('MOLT_SHUTTING_DOWN');
  await eventually('all is released', () => process.getActiveResourcesInfo().length <= before);
});

function makeKey(passphrase = '', type = 'ed25519'): string {
  const file = `${sshd.dir}/made-${Math.random()}`;
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file]);
  return execFileSync('cat', [file], { encoding: 'utf8' });
}

function lockedCopy(key: string, passphrase: string): string {
  const file = `${sshd.dir}/copy-${Math.random()}`;
  execFileSync('sh', ['-c', 'umask 077; cat > "$1"', 'sh', file], { input: key });
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', file]);
  return execFileSync('cat', [file], { encoding: 'utf8' });
}

function otherKeyLine(port: number, type = 'ed25519'): string {
  const file = `${sshd.dir}/other-${Math.random()}`;
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
  const [keyType, key] = execFileSync('cat', [`${file}.pub`], { encoding: 'utf8' }).split(' ');
  return `[127.0.0.1]:${port} ${keyType} ${key}`;
}

async function attemptsAtLogIn(): Promise<number> {
  const log = await readFile(`${sshd.dir}/log`, 'utf8');
  return log.split(' authenticating user ').length - 1;
}

const connectTo = (port: number): Socket => connect({ port, host: '127.0.0.1' }).on('error', () => {});
