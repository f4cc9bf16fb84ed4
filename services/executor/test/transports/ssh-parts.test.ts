import { MoltError } from '@moltbot/shared';
import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../src/transports/ssh/breaker.ts';
import { createMarkerCutter, type Marker } from '../../src/transports/ssh/command-script.ts';
import { killScript } from '../../src/transports/ssh/kill-script.ts';
import { createCapacity } from '../../src/transports/ssh/session-capacity.ts';
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
