import { createRegistry } from '@moltbot/shared';
import { eventually, startSshd, startTcpProxy, type TestSshd } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBench, type SshBench } from './ssh-support.ts';
import { firstNumber, groupMembers } from './support.ts';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

async function withBench(
  options: Parameters<typeof createBench>[1] & { readonly host?: TestSshd },
  work: (bench: SshBench) => Promise<void>,
): Promise<void> {
  const { host = sshd, ...rest } = options;
  const bench = await createBench(host, rest);
  try {
    await work(bench);
  } finally {
    await bench.stop();
  }
}

const opened = (bench: SshBench): number => bench.logged().filter(({ msg }) => msg === 'SSH connection open').length;

describe('many commands on one host', () => {
  test('200 at once, on one connection, against the default MaxSessions of 10', () =>
    withBench({}, async (bench) => {
      const all = Array.from({ length: 200 }, (_, index) => bench.exec(`echo ${index}; exit ${index % 7}`));
      const ended = await Promise.all(all);
      expect(ended.map(({ result }) => result.exitCode)).toEqual(ended.map((_, index) => index % 7));
      expect(ended.map(({ stdout }) => stdout.toString())).toEqual(ended.map((_, index) => `${index}\n`));
      expect(opened(bench)).toBe(1);
    }));

  test('a lower MaxSessions is learned; every command runs once', async () => {
    const small = await startSshd({ config: ['MaxSessions 3'] });
    try {
      await withBench({ host: small }, async (bench) => {
        const all = Array.from({ length: 30 }, (_, index) => bench.exec(`echo ${index}`));
        const ended = await Promise.all(all);
        expect(ended.map(({ stdout }) => stdout.toString())).toEqual(ended.map((_, index) => `${index}\n`));
        expect(opened(bench)).toBe(1);
      });
    } finally {
      await small.stop();
    }
  });

  test('with every session taken a cancel still reaches its command, over a connection of its own', async () => {
    const one = await startSshd({ config: ['MaxSessions 1'] });
    try {
      await withBench({ host: one, killGraceMs: 300 }, async (bench) => {
        const control = new AbortController();
        const running = bench.exec('echo $$; sleep 300', { signal: control.signal });
        const group = await firstNumber(running);
        control.abort();
        expect((await running).result).toEqual({ signal: 'TERM', killed: 'verified' });
        expect(await groupMembers(group)).toEqual([]);
      });
    } finally {
      await one.stop();
    }
  });

  test('who waits longer than connectMs for a session is told so, and never started', () =>
    withBench({ channelsPerConnection: 1, killGraceMs: 300 }, async (bench) => {
      const control = new AbortController();
      const holding = bench.exec('echo $$; sleep 300', { signal: control.signal });
      await firstNumber(holding);
      const onStart = async (): Promise<void> => expect.unreachable('it must not start');
      await expect(bench.exec('true', { connectMs: 200, onStart })).rejects.toMatchObject({ code: 'MOLT_SSH_BUSY' });
      const waiting = new AbortController();
      const cancelled = bench.exec('true', { onStart, signal: waiting.signal });
      waiting.abort('cancelled');
      await expect(cancelled).rejects.toBe('cancelled');
      const next = bench.exec('echo next');
      control.abort();
      expect((await holding).result.killed).toBe('verified');
      expect((await next).stdout.toString()).toBe('next\n');
    }));

  test('many cancels at once all see their groups go', () =>
    withBench({ killGraceMs: 200 }, async (bench) => {
      const control = new AbortController();
      const all = Array.from({ length: 8 }, () =>
        bench.exec(`trap '' TERM; echo $$; while :; do sleep 0.1; done`, { signal: control.signal }),
      );
      const groups = await Promise.all(all.map(firstNumber));
      control.abort();
      for (const { result } of await Promise.all(all)) expect(result).toEqual({ signal: 'KILL', killed: 'verified' });
      for (const group of groups) expect(await groupMembers(group)).toEqual([]);
    }));
});

test('many first connections at once get through a MaxStartups that drops them', async () => {
  const narrow = await startSshd({ config: ['MaxStartups 3:100:3'] });
  try {
    await withBench({ host: narrow, startsPerHost: 4 }, async (bench) => {
      // Every identity is a connection of its own.
      const names = Array.from({ length: 12 }, (_, index) => `id${index}`);
      const { test: identity } = bench.ssh.identities;
      Object.assign(bench.ssh.identities, Object.fromEntries(names.map((name) => [name, identity])));
      const all = names.map((name) => bench.exec('true', { target: { ...bench.target, identity: name } }));
      for (const { result } of await Promise.all(all)) expect(result).toEqual({ exitCode: 0 });
      expect(opened(bench)).toBe(12);
    });
  } finally {
    await narrow.stop();
  }
});

describe('a connection that breaks', () => {
  test('before the command was sent: it is sent over a new one', () =>
    withBench({}, async (bench) => {
      const proxy = await startTcpProxy(sshd.port);
      const target = { ...bench.target, port: proxy.port, hostKey: sshd.hostKeyFingerprint };
      await bench.exec('true', { target });
      const onStart = async (): Promise<void> => {
        proxy.cut();
        proxy.heal();
        await eventually('we know it', () => bench.logged().some(({ msg }) => msg === 'SSH connection closed'));
      };
      expect((await bench.exec('echo once', { target, onStart })).stdout.toString()).toBe('once\n');
      expect(opened(bench)).toBe(2);
      await proxy.stop();
    }));

  test('while commands run: their ends are not known, and the next command connects again', async () => {
    const own = await startSshd();
    try {
      await withBench({ host: own }, async (bench) => {
        const running = [bench.exec('echo $$; sleep 300'), bench.exec('echo $$; sleep 300')];
        const groups = await Promise.all(running.map(firstNumber));
        await own.killSessions();
        for (const run of running) await expect(run).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
        expect((await bench.exec(`kill -KILL ${groups.map((group) => `-${group}`).join(' ')}`)).result).toEqual({
          exitCode: 0,
        });
        const closed = (): number => bench.logged().filter(({ msg }) => msg === 'SSH connection closed').length;
        const before = closed();
        await own.restart();
        await eventually('we know it', () => closed() > before);
        expect((await bench.exec('echo back')).stdout.toString()).toBe('back\n');
      });
    } finally {
      await own.stop();
    }
  });

  test('by going silent: keepalive notices', () =>
    withBench({ keepaliveMs: 500 }, async (bench) => {
      const proxy = await startTcpProxy(sshd.port);
      const target = { ...bench.target, port: proxy.port, hostKey: sshd.hostKeyFingerprint };
      const running = bench.exec('echo $$; sleep 300', { target });
      const group = await firstNumber(running);
      proxy.freeze();
      await expect(running).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
      await proxy.stop();
      // The host may have received our wish to end it before it froze, and fulfil it now.
      await eventually('the group is gone', async () => {
        const { result } = await bench.exec(`kill -KILL -${group}; kill -0 -${group}`);
        return result?.exitCode !== 0;
      });
    }));

  test('just as the command is to be ended: it is ended over a new one', () =>
    withBench({ killGraceMs: 300 }, async (bench) => {
      const proxy = await startTcpProxy(sshd.port);
      const target = { ...bench.target, port: proxy.port, hostKey: sshd.hostKeyFingerprint };
      const control = new AbortController();
      const running = bench.exec('echo $$; sleep 300', { target, signal: control.signal });
      const group = await firstNumber(running);
      control.abort();
      proxy.cut();
      proxy.heal();
      expect((await running).result).toMatchObject({ killed: 'verified' });
      expect(await groupMembers(group)).toEqual([]);
      await proxy.stop();
    }));

  test('and stays away: a command that is to be ended is not said to be gone', () =>
    withBench({ killGraceMs: 100 }, async (bench) => {
      const proxy = await startTcpProxy(sshd.port);
      const target = { ...bench.target, port: proxy.port, hostKey: sshd.hostKeyFingerprint };
      const control = new AbortController();
      const running = bench.exec('echo $$; sleep 300', { target, signal: control.signal });
      const group = await firstNumber(running);
      control.abort();
      proxy.cut();
      expect((await running).result).toEqual({ killed: 'unverified' });
      await proxy.stop();
      // The host may have received our wish to end it before it froze, and fulfil it now.
      await eventually('the group is gone', async () => {
        const { result } = await bench.exec(`kill -KILL -${group}; kill -0 -${group}`);
        return result?.exitCode !== 0;
      });
    }));
});

test('quiesce takes no more and waits for what runs, until it is forced', () =>
  withBench({ killGraceMs: 200 }, async (bench) => {
    const running = bench.exec('echo $$; read line; echo late', { spec: { stdin: 'x\n' } });
    const force = new AbortController();
    await bench.transport.quiesce(force.signal);
    expect((await running).stdout.toString()).toMatch(/late/);
    await expect(bench.exec('true')).rejects.toMatchObject({ code: 'MOLT_SHUTTING_DOWN' });
    await bench.transport.start();
    const endless = bench.exec('echo $$; sleep 300');
    const group = await firstNumber(endless);
    const forced = bench.transport.quiesce(force.signal);
    force.abort();
    await forced;
    expect(await groupMembers(group)).not.toEqual([]);
    await bench.transport.stop();
    expect((await endless).result.killed).toBe('verified');
    expect(await groupMembers(group)).toEqual([]);
  }));

test('a host that never answers does not hold a command that is to be ended', async () => {
  const own = await startSshd();
  try {
    await withBench({ host: own, killGraceMs: 100, killVerdictMs: 500 }, async (bench) => {
      await bench.exec('true');
      await own.pause();
      const control = new AbortController();
      const running = bench.exec('true', {
        signal: control.signal,
        onStart: async () => void setTimeout(() => control.abort(), 50),
      });
      expect((await running).result).toEqual({ killed: 'unverified' });
      await own.resume();
      const later = new AbortController();
      const frozen = bench.exec('echo $$; sleep 300', { signal: later.signal });
      const group = await firstNumber(frozen);
      await own.pause();
      later.abort();
      expect((await frozen).result).toEqual({ killed: 'unverified' });
      await own.resume();
      // The host may have received our wish to end it before it froze, and fulfil it now.
      await eventually('the group is gone', async () => {
        const { result } = await bench.exec(`kill -KILL -${group}; kill -0 -${group}`);
        return result?.exitCode !== 0;
      });
    });
  } finally {
    await own.stop();
  }
});

test('an idle connection is closed, and counted as closed', async () => {
  const registry = createRegistry('test');
  await withBench({ idleCloseMs: 300, registry }, async (bench) => {
    await bench.exec('sleep 0.5');
    const gauge = async (): Promise<string> =>
      /^moltbot_ssh_connections\{[^}]*\} (\d+)$/m.exec(await registry.metrics())?.[1] ?? '';
    expect(await gauge()).toBe('1');
    await eventually('it is closed', async () => (await gauge()) === '0');
    expect((await bench.exec('true')).result).toEqual({ exitCode: 0 });
    expect(await registry.metrics()).toMatch(/moltbot_ssh_connects_total\{outcome="ok"[^}]*\} 2/);
  });
});
