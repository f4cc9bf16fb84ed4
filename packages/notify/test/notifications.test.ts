import { sendFailed, sendRefused } from '@moltbot/plugin-sdk';
import { createLogger, type QuietHours } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { describe, expect, test } from 'vitest';
import { configOf, hour, minute, movableClock, notificationOf, openLab, openStore, probes, routeTo } from './lab.ts';

const deliveriesOf = async (lab: Awaited<ReturnType<typeof openLab>>, id: string) =>
  (await lab.store.getNotification('default', id))?.deliveries.map(({ channel, state, tries, error }) => ({
    ...{ channel, state, tries, error },
  }));

describe('raising', () => {
  test('is done once an id, and resolves when it is kept', async () => {
    const lab = await openLab();
    const given = notificationOf({ title: 'one' });
    await lab.notifications.notify(given);
    await lab.notifications.notify({ ...given, title: 'two' });
    await lab.pass(30_000);
    await lab.notifications.notify(given);
    await lab.pass(30_000);
    expect(lab.titles()).toEqual([['one']]);
    expect(lab.taken[0]).toMatchObject({ tenant: 'default', channel: 'a', kind: 'now', severity: 'warning' });
  });

  test('in a store that is down rejects, and leaves nothing half done', async () => {
    const lab = await openLab();
    await lab.store.stop();
    await expect(lab.notifications.notify(notificationOf())).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  });

  test('clips what is too long for people', async () => {
    const lab = await openLab();
    const fields = Array.from({ length: 60 }, (_, n) => ({ name: `${n}`, value: 'v'.repeat(2_000) }));
    await lab.notifications.notify(
      notificationOf({ title: `a\n${'é'.repeat(500)}`, text: 't'.repeat(99_999), fields }),
    );
    await lab.pass(11_000);
    const [item] = lab.taken[0]?.items ?? [];
    expect(item?.notification.title).toMatch(/^a é+…$/);
    expect(item?.notification.title).toHaveLength(200);
    expect(item?.notification.text).toHaveLength(16_000);
    expect(item?.notification.fields).toHaveLength(50);
    expect(item?.notification.fields?.[0]?.value).toHaveLength(1_000);
  });
});

describe('the log', () => {
  test('is told what names a channel that its tenant has not, once, beside those it has', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger({ service: 'test', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
    const lab = await openLab({ log });
    const given = notificationOf({ to: ['aa', 'a', 'gone-long-ago'] });
    await lab.notifications.notify(given);
    await lab.notifications.notify(given);
    await lab.pass(11_000);
    expect(await deliveriesOf(lab, given.id)).toMatchObject([
      { channel: 'a', state: 'sent' },
      { channel: 'log', state: 'sent' },
    ]);
    expect(lines.flatMap(({ level, msg }) => (level === 'warn' ? [msg] : []))).toEqual([
      'the log is told instead: there is no channel "aa"; did you mean "a"?',
      'the log is told instead: there is no channel "gone-long-ago"; there are: a, log',
      given.title,
    ]);
  });

  test('is told everything when nothing is configured', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger({ service: 'test', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
    const lab = await openLab({ config: { channels: {}, routes: [] }, log });
    await lab.notifications.notify(notificationOf({ severity: 'critical', title: 'It burns', fields: [] }));
    await lab.pass(11_000);
    expect(lines.find(({ msg }) => msg === 'It burns')).toMatchObject({
      ...{
        level: 'error',
        severity: 'critical',
        labels: { schedule: 'disk-watch' },
        channel: 'log',
        tenant: 'default',
      },
    });
  });
});

describe('grouping', () => {
  test('the first waits for the others of its group; another group is another message', async () => {
    const lab = await openLab({ config: { repeatAfterMs: 0 } });
    const raise = (title: string, schedule?: string) =>
      lab.notifications.notify(notificationOf({ title, labels: schedule === undefined ? {} : { schedule } }));
    await raise('x1', 'x');
    await raise('none');
    await lab.pass(5_000);
    await raise('x2', 'x');
    await raise('y1', 'y');
    await lab.pass(4_000);
    expect(lab.titles()).toEqual([]);
    await lab.pass(1_000);
    expect(lab.titles().toSorted()).toEqual([['none'], ['x1', 'x2']]);
    await lab.pass(5_000);
    expect(lab.titles()).toContainEqual(['y1']);
    await raise('x3', 'x');
    await lab.pass(10_000);
    expect(lab.titles()).toHaveLength(4);
    expect(new Set(lab.taken.map(({ id }) => id)).size).toBe(4);
  });

  test('a message tells in order of time, is as grave as its gravest, and holds what people can read', async () => {
    const lab = await openLab({ config: { repeatAfterMs: 0 } });
    for (let n = 120; n > 0; n--) {
      await lab.notifications.notify(notificationOf({ at: n, title: `${n}`, severity: n === 7 ? 'error' : 'info' }));
    }
    await lab.pass(11_000);
    expect(lab.taken.map(({ items, severity }) => [items.length, severity])).toEqual([
      ...[
        [50, 'error'],
        [50, 'info'],
        [20, 'info'],
      ],
    ]);
    expect(lab.titles().flat()).toEqual(Array.from({ length: 120 }, (_, n) => `${n + 1}`));
  });
});

describe('the same matter', () => {
  test('is told once, again after repeatAfter alone, and then says how often it came', async () => {
    const lab = await openLab();
    const raise = (more = {}) => lab.notifications.notify(notificationOf(more));
    for (let n = 0; n < 3; n++) await raise();
    await lab.pass(11_000);
    expect(lab.taken.map(({ items }) => items.map(({ repeats }) => repeats))).toEqual([[2]]);
    for (let n = 0; n < 5; n++) {
      lab.clock.advance(30 * minute);
      await raise();
      await lab.pass(11_000);
    }
    expect(lab.taken).toHaveLength(1);
    expect(await lab.count('repeated')).toBe(7);
    lab.clock.advance(2 * hour);
    await raise();
    await lab.pass(11_000);
    expect(lab.taken[1]?.items).toMatchObject([{ repeats: 5 }]);
    expect(lab.taken).toHaveLength(2);
  });

  test('is by key, or title and labels; a graver one is another', async () => {
    const lab = await openLab();
    const raise = (more: Parameters<typeof notificationOf>[0]) => lab.notifications.notify(notificationOf(more));
    await raise({ title: 'x' });
    await raise({ title: 'x', labels: { schedule: 'disk-watch', target: 'web-1' } });
    await raise({ title: 'x', severity: 'critical' });
    await raise({ title: 'y', key: 'k' });
    await raise({ title: 'z', key: 'k' });
    await lab.pass(11_000);
    expect(lab.taken.flatMap(({ items }) => items.map(({ repeats }) => repeats)).toSorted()).toEqual([0, 0, 0, 1]);
  });

  test('counts for each channel by itself', async () => {
    const lab = await openLab({ config: { channels: probes('a', 'b'), routes: [] } });
    await lab.notifications.notify(notificationOf({ to: ['a'] }));
    await lab.pass(11_000);
    await lab.notifications.notify(notificationOf({ to: ['a', 'b'] }));
    await lab.pass(11_000);
    expect(lab.taken.map(({ channel }) => channel)).toEqual(['a', 'b']);
  });
});

const quiet = (more: Partial<QuietHours> = {}): QuietHours => ({
  ...{ tenant: 'default', days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '22:00', to: '07:00' },
  ...{ timezone: 'Europe/Berlin', below: 'critical' },
  ...more,
});

describe('quiet hours', () => {
  test('hold what is not grave until they are over, and tell it in one message then', async () => {
    const clock = movableClock('2026-11-27T22:30:00Z');
    const lab = await openLab({ clock, config: { quietHours: [quiet()] } });
    const raise = (title: string, more = {}) =>
      lab.notifications.notify(notificationOf({ title, at: clock.now(), ...more }));
    await raise('one', { labels: { schedule: 'a' } });
    await lab.pass(11_000);
    await raise('two', { labels: { schedule: 'b' } });
    await raise('fire', { severity: 'critical' });
    await lab.pass(11_000);
    expect(lab.titles()).toEqual([['fire']]);
    clock.set('2026-11-28T05:59:59Z');
    await lab.round();
    expect(lab.titles()).toEqual([['fire']]);
    await lab.pass(1_000);
    expect(lab.taken[1]).toMatchObject({ kind: 'digest', items: [{ repeats: 0 }, { repeats: 0 }] });
    expect(lab.titles()[1]).toEqual(['one', 'two']);
    await raise('morning');
    await lab.pass(11_000);
    expect(lab.titles()[2]).toEqual(['morning']);
    expect(await lab.count('held')).toBe(2);
  });

  // The night is an hour shorter, an hour longer.
  test.each([
    ['2026-03-28T23:00:00Z', '2026-03-29T05:00:00Z'],
    ['2026-10-24T22:00:00Z', '2026-10-25T06:00:00Z'],
  ])('end by the clock on the wall, also when it changes: %s', async (night, morning) => {
    const clock = movableClock(night);
    const lab = await openLab({ clock, config: { quietHours: [quiet()] } });
    await lab.notifications.notify(notificationOf());
    await lab.pass(11_000);
    clock.set(morning);
    clock.advance(-1);
    await lab.round();
    expect(lab.taken).toEqual([]);
    clock.advance(1);
    await lab.round();
    expect(lab.taken).toHaveLength(1);
  });

  test('are for the channels they name, and never for a test', async () => {
    const clock = movableClock('2026-11-27T22:30:00Z');
    const config = {
      quietHours: [quiet({ channels: ['b'] })],
      channels: probes('a', 'b'),
      routes: [routeTo('a', 'b')],
    };
    const lab = await openLab({ clock, config });
    await lab.notifications.notify(notificationOf());
    await lab.pass(11_000);
    expect(lab.taken.map(({ channel }) => channel)).toEqual(['a']);
  });
});

describe('a channel that fails', () => {
  test('is tried again, later and later, under the same id, with the same words; the others are not told twice', async () => {
    const lab = await openLab({ config: { channels: probes('a', 'b'), routes: [routeTo('a', 'b')] } });
    const tries: { at: number; id: string; words: string }[] = [];
    lab.answer(async (batch) => {
      if (batch.channel !== 'b') return;
      tries.push({ at: lab.clock.now(), id: batch.id, words: JSON.stringify(batch) });
      if (tries.length < 6) throw new Error('busy');
    });
    const given = notificationOf();
    await lab.notifications.notify(given);
    await lab.pass(11_000);
    expect(await deliveriesOf(lab, given.id)).toEqual([
      { channel: 'a', state: 'sent', tries: 1, error: undefined },
      { channel: 'b', state: 'sending', tries: 1, error: 'busy' },
    ]);
    // More of the same, and of others, comes meanwhile.
    await lab.notifications.notify(notificationOf());
    await lab.pass(30 * minute);
    const waits = tries.slice(1).map(({ at }, n) => Math.round((at - (tries[n]?.at ?? 0)) / 1_000));
    expect(waits).toEqual([5, 30, 120, 600, 600]);
    expect(new Set(tries.map(({ id }) => id)).size).toBe(1);
    expect(new Set(tries.map(({ words }) => words)).size).toBe(1);
    expect(lab.taken.map(({ channel }) => channel)).toEqual(['a', 'b']);
    expect(await deliveriesOf(lab, given.id)).toMatchObject([{}, { state: 'sent', tries: 6 }]);
  });

  test('is left alone as long as it asks for', async () => {
    const lab = await openLab();
    const tries: number[] = [];
    lab.answer(async () => {
      tries.push(lab.clock.now());
      throw sendFailed('slow down', { retryAfterMs: 90_000 });
    });
    await lab.notifications.notify(notificationOf());
    await lab.pass(150_000);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBe(90_000);
  });

  test('is left alone for a moment, whatever else is due', async () => {
    const lab = await openLab({ config: { group: { waitMs: 0, by: ['schedule'] } } });
    let tries = 0;
    lab.answer(async () => {
      tries += 1;
      throw new Error('down');
    });
    for (let n = 0; n < 20; n++) await lab.notifications.notify(notificationOf({ labels: { schedule: `${n}` } }));
    await lab.pass(5_000);
    expect(tries).toBe(1);
    await lab.pass(1_000);
    expect(tries).toBe(2);
  });

  test('and refuses for good is not tried again; the next of the matter is told, and counts it', async () => {
    const lab = await openLab();
    lab.answer(async () => Promise.reject(sendRefused('no such room')));
    const given = notificationOf();
    await lab.notifications.notify(given);
    await lab.pass(20 * minute);
    expect(await deliveriesOf(lab, given.id)).toEqual([
      { channel: 'a', state: 'dead', tries: 1, error: 'no such room' },
    ]);
    expect(await lab.count('refused')).toBe(1);
    lab.answer(async () => {});
    await lab.notifications.notify(notificationOf());
    await lab.pass(11_000);
    expect(lab.taken).toMatchObject([{ items: [{ repeats: 1 }] }]);
  });

  test('for too long is given up, with an error in the log', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger({ service: 'test', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
    const lab = await openLab({ config: { giveUpAfterMs: hour }, log });
    lab.answer(async () => Promise.reject(new Error('down')));
    const given = notificationOf();
    await lab.notifications.notify(given);
    for (let n = 0; n < 16; n++) {
      lab.clock.advance(5 * minute);
      await lab.round();
    }
    expect(await deliveriesOf(lab, given.id)).toMatchObject([{ state: 'dead', error: 'down' }]);
    expect(await lab.count('given-up')).toBe(1);
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { notifications: [given.id], channel: 'a', error: 'down' },
    ]);
  });

  test('by hanging does not keep the others waiting, nor the one who leads', async () => {
    const lab = await openLab({ config: { channels: probes('a', 'b'), routes: [], group: { waitMs: 0, by: [] } } });
    const { promise, resolve } = Promise.withResolvers<void>();
    lab.answer((batch) => (batch.channel === 'a' ? promise : Promise.resolve()));
    await lab.notifications.notify(notificationOf({ to: ['a', 'b'] }));
    await lab.round();
    expect(lab.taken.map(({ channel }) => channel)).toEqual(['b']);
    await lab.notifications.notify(notificationOf({ to: ['a', 'b'], title: 'next' }));
    await lab.round();
    expect(lab.taken.map(({ channel }) => channel)).toEqual(['b', 'b']);
    resolve();
    await eventually('a has it', () => lab.taken.length === 3);
    await lab.round();
    expect(lab.titles().filter((_, n) => lab.taken[n]?.channel === 'a')).toEqual([
      ['The disk is nearly full'],
      ['next'],
    ]);
  });

  test('that is not there any more tells nobody, and says so', async () => {
    const clock = movableClock();
    const store = await openStore(clock);
    const before = await openLab({ clock, store });
    const given = notificationOf();
    await before.notifications.notify(given);
    const after = await openLab({ clock, store, config: { channels: {}, routes: [] } });
    await after.pass(11_000);
    expect(await deliveriesOf(after, given.id)).toEqual([
      { channel: 'a', state: 'dead', tries: 1, error: 'there is no channel "a" any more' },
    ]);
    await store.stop();
  });
});

describe('whoever leads', () => {
  test('and is stopped in the middle leaves the message to the next, under its id', async () => {
    const clock = movableClock();
    const store = await openStore(clock);
    const one = await openLab({ clock, store });
    const seen: string[] = [];
    const term = new AbortController();
    one.answer(async (batch, { signal }) => {
      seen.push(batch.id);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await one.notifications.notify(notificationOf());
    clock.advance(10_000);
    const round = one.round(term.signal);
    await eventually('it is being sent', () => seen.length === 1);
    term.abort(new Error('the term is over'));
    await round;
    const two = await openLab({ clock, store });
    await two.round();
    expect(two.taken.map(({ id }) => id)).toEqual(seen);
    await two.round();
    expect(two.taken).toHaveLength(1);
    await one.notifications.close();
    await store.stop();
  });

  test('delivers for its tenants, and each has channels of its own', async () => {
    const channels = { ...probes('a'), b: { ...probes('b')['b'], tenant: 'acme' } } as ReturnType<typeof probes>;
    const routes = [routeTo('a'), { ...routeTo('b'), tenant: 'acme' }];
    const lab = await openLab({ tenants: ['default', 'acme'], config: { channels, routes } });
    await lab.notifications.notify(notificationOf({ title: 'ours' }));
    await lab.notifications.notify(notificationOf({ title: 'theirs', tenant: 'acme' }));
    await lab.pass(11_000);
    expect(lab.taken.map(({ tenant, channel }) => `${tenant} ${channel}`).toSorted()).toEqual(['acme b', 'default a']);
  });
});

test('a channel whose kind nobody offers, or whose options are refused, is a mistake of the configuration', async () => {
  const channels = { ...probes('a'), b: { ...probes('b')['b'], kind: 'prob' } } as ReturnType<typeof probes>;
  await expect(openLab({ config: { channels } })).rejects.toMatchObject({
    code: 'MOLT_BAD_CONFIG',
    places: [{ path: 'notifications.channels.b.kind', message: expect.stringContaining('did you mean "probe"?') }],
  });
  expect(configOf().group.waitMs).toBe(10_000);
});
