import { setImmediate as turn } from 'node:timers/promises';
import { MoltError, silentLogger, systemClock } from '@moltbot/shared';
import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../src/transports/ssh/breaker.ts';
import { createMarkerCutter, type Marker } from '../../src/transports/ssh/command-script.ts';
import { NotSentError } from '../../src/transports/ssh/engine.ts';
import { createForgetQueue, type ForgetQueue } from '../../src/transports/ssh/forget-queue.ts';
import { killScript } from '../../src/transports/ssh/kill-script.ts';
import { NoShellError } from '../../src/transports/ssh/no-shell-error.ts';
import type { PooledShell } from '../../src/transports/ssh/resident-pool.ts';
import { createCapacity } from '../../src/transports/ssh/session-capacity.ts';
import { createShellStart } from '../../src/transports/ssh/shell-start.ts';
import { createSlots } from '../../src/transports/ssh/slots.ts';

const nonce = 'f'.repeat(32);
const mark = `\x1eMOLT ${nonce} 4711\n`;

describe('the marker', () => {
  const cut = (
    ...chunks: readonly (string | Buffer)[]
  ): { readonly out: string; readonly markers: readonly Marker[] } => {
    const markers: Marker[] = [];
    const cutter = createMarkerCutter(nonce, (marker) => markers.push(marker));
    const out = [...chunks.map((chunk) => cutter.push(Buffer.from(chunk))), cutter.rest()];
    return { out: Buffer.concat(out).toString('latin1'), markers };
  };
  const started = [{ kind: 'started', group: 4711 }];

  test('is cut out wherever the chunks are torn', () => {
    const whole = `noise\nmore${mark}out${mark}put`;
    for (let at = 0; at <= whole.length; at++) {
      expect(cut(whole.slice(0, at), whole.slice(at))).toEqual({ out: `out${mark}put`, markers: started });
    }
    expect(cut(...whole)).toEqual({ out: `out${mark}put`, markers: started });
  });

  test('of another nonce is output; without any, all is given at the end', () => {
    const forged = `\x1eMOLT ${'0'.repeat(32)} 1\n`;
    expect(cut(forged, 'x')).toEqual({ out: `${forged}x`, markers: [] });
    expect(cut(`${forged}${mark}x`)).toEqual({ out: 'x', markers: started });
  });

  test('is waited for no longer than 64 KiB', () => {
    const noise = 'n'.repeat(65 * 1024);
    expect(cut(noise, mark)).toEqual({ out: noise + mark, markers: [{ kind: 'unreadable' }] });
  });

  test('that names a group kill(1) takes for others is not believed', () => {
    for (const group of ['0', '1', '-1', 'x', '']) {
      expect(cut(`\x1eMOLT ${nonce} ${group}\n`).markers).toEqual([{ kind: 'unreadable' }]);
    }
    expect(killScript(4711, 2_000)).toContain('g=4711;');
  });
});

describe('slots', () => {
  const signal = new AbortController().signal;

  test('are given in order, with a front, and never to who left', async () => {
    const slots = createSlots(1);
    const first = await slots.acquire({ signal });
    const order: string[] = [];
    const wait = (name: string, options: { front?: boolean; signal?: AbortSignal } = {}): Promise<void> =>
      slots.acquire({ signal, ...options }).then((release) => {
        order.push(name);
        release();
      });
    const leaving = new AbortController();
    const all = [
      wait('a'),
      wait('gone', { signal: leaving.signal }).catch(() => {}),
      wait('b'),
      wait('front', { front: true }),
    ];
    leaving.abort();
    expect(slots.tryAcquire()).toBeUndefined();
    first();
    first();
    await Promise.all(all);
    expect(order).toEqual(['front', 'a', 'b']);
    expect(slots.inUse()).toBe(0);
  });

  test('shrink without taking back, grow at once, and refuse when closed', async () => {
    const slots = createSlots(2);
    const held = [await slots.acquire({ signal }), await slots.acquire({ signal })];
    slots.resize(1);
    held[0]?.();
    expect(slots.tryAcquire()).toBeUndefined();
    const waiting = slots.acquire({ signal });
    slots.resize(2);
    await waiting;
    const refused = slots.acquire({ signal });
    const reason = new Error('closed');
    slots.close(reason);
    await expect(refused).rejects.toBe(reason);
    await expect(slots.acquire({ signal })).rejects.toBe(reason);
  });
});

test('the capacity follows what the host refuses, not what it refuses by mistake, and rises again', () => {
  const limits: number[] = [];
  const capacity = createCapacity(8, (limit) => limits.push(limit));
  const times = (count: number, step: () => void): void => Array.from({ length: count }).forEach(step);
  times(8, capacity.asked);
  times(3, capacity.granted);
  times(5, () => capacity.refused(true));
  expect(limits).toEqual([5, 4, 3, 2, 2]);
  capacity.ended();
  capacity.asked();
  capacity.refused(true);
  expect(limits).toHaveLength(5);
  times(61, () => {
    capacity.asked();
    capacity.granted();
    capacity.ended();
  });
  expect(limits).toHaveLength(5);
  times(3, () => {
    capacity.asked();
    capacity.granted();
    capacity.ended();
  });
  expect(limits.at(-1)).toBe(3);
});

describe('starting shells', () => {
  const signal = new AbortController().signal;
  /** A place whose shells are started by `outcome`, and a clock that moves by hand. */
  const bench = (outcome: () => PooledShell) => {
    let now = 0;
    let asked = 0;
    const clock = { ...systemClock, monotonic: () => now };
    const start = createShellStart({ clock, log: silentLogger });
    const unused = (): never => expect.unreachable('it is not for this');
    const place = {
      takeShell: unused,
      exec: unused,
      runAside: unused,
      release: unused,
      async openShell() {
        asked++;
        await turn();
        return outcome();
      },
    };
    const open = (): Promise<PooledShell> => start.open(place, signal, false);
    return { start, open, asked: () => asked, forward: (ms: number) => (now += ms) };
  };
  const no = (isAnswer: boolean): never => {
    throw new NoShellError(isAnswer, 'no');
  };

  test('a host that runs none is asked by one of many, and again after a while', async () => {
    for (const [isAnswer, ms] of [
      [true, 600_000],
      [false, 30_000],
    ] as const) {
      const { open, start, asked, forward } = bench(() => no(isAnswer));
      const all = await Promise.allSettled([open(), open(), open()]);
      expect(all.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
      expect(asked()).toBe(1);
      forward(ms - 1);
      expect(start.refused()).toBeInstanceOf(NoShellError);
      forward(1);
      expect(start.refused()).toBeUndefined();
      await expect(open()).rejects.toBeInstanceOf(NoShellError);
      expect(asked()).toBe(2);
    }
  });

  test('a host that ran one is asked once more before it is believed to run none', async () => {
    let works = true;
    const shell = { shell: {}, channel: {} } as PooledShell;
    const { open, start } = bench(() => (works ? shell : no(true)));
    expect(await open()).toBe(shell);
    works = false;
    await expect(open()).rejects.toBeInstanceOf(NotSentError);
    expect(start.refused()).toBeUndefined();
    await expect(open()).rejects.toBeInstanceOf(NoShellError);
    expect(start.refused()).toBeInstanceOf(NoShellError);
  });
});

describe('what may be forgotten', () => {
  /** A queue with a shell that can be busy, and a clock that moves by hand. */
  const bench = (): {
    readonly queue: ForgetQueue;
    readonly told: number[];
    readonly setIdle: (idle: boolean) => void;
    readonly pass2s: () => Promise<void>;
  } => {
    const told: number[] = [];
    let isIdle = true;
    let wake = (): void => {};
    const sleep = (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
      });
    const shell = {
      exec: async () => ({}),
      forget: (guards: readonly unknown[]) => void told.push(guards.length),
      isReusable: () => true,
      close: () => {},
    };
    const queue = createForgetQueue({ ...systemClock, sleep }, () => (isIdle ? shell : undefined));
    const setIdle = (idle: boolean): void => {
      isIdle = idle;
    };
    const pass2s = (): Promise<void> => {
      wake();
      return turn();
    };
    return { queue, told, setIdle, pass2s };
  };
  const add = (queue: ForgetQueue, count: number): void => {
    for (let index = 0; index < count; index++) queue.add({ id: `r${index}`, attempt: 1 });
  };

  test('goes in batches, and the rest after a silence', async () => {
    const { queue, told, pass2s } = bench();
    add(queue, 70);
    expect(told).toEqual([32, 32]);
    await pass2s();
    add(queue, 1);
    await pass2s();
    expect(told).toEqual([32, 32]);
    await pass2s();
    expect(told).toEqual([32, 32, 7]);
  });

  test('waits for a shell that is idle, and takes one when there is too much of it', async () => {
    const { queue, told, setIdle, pass2s } = bench();
    setIdle(false);
    add(queue, 3);
    await pass2s();
    await pass2s();
    queue.poke();
    await turn();
    expect(told).toEqual([]);
    setIdle(true);
    queue.poke();
    expect(told, 'who waits for the shell takes it first').toEqual([]);
    await turn();
    expect(told).toEqual([3]);
    setIdle(false);
    add(queue, 256);
    setIdle(true);
    queue.poke();
    expect(told.slice(1)).toEqual(Array(8).fill(32));
  });
});

test('the breaker doubles its pauses up to a minute, and forgets on success', () => {
  let now = 0;
  const breaker = createBreaker({ monotonic: () => now });
  const error = new MoltError('MOLT_SSH_UNREACHABLE', 'no');
  const pauseAfterFailure = (kind: 'network' | 'refusal'): number => {
    breaker.failed(kind, error);
    const begin = now;
    while (breaker.block()) now += 500;
    return now - begin;
  };
  expect(Array.from({ length: 8 }, () => pauseAfterFailure('network'))).toEqual([
    0, 0, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000,
  ]);
  breaker.succeeded();
  expect(breaker.isForgettable()).toBe(true);
  expect(pauseAfterFailure('network')).toBe(0);
  breaker.succeeded();
  expect(Array.from({ length: 3 }, () => pauseAfterFailure('refusal'))).toEqual([2_000, 4_000, 8_000]);
  expect(breaker.isForgettable()).toBe(false);
  now += 600_001;
  expect(breaker.isForgettable()).toBe(true);
});
