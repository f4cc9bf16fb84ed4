import { MoltError, type Notification, newId } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NewBatch, NewDelivery, NotificationRecord } from '../../src/notifications-port.ts';
import { first } from '../fixtures.ts';
import type { CreateStore, Suite } from './suite.ts';

/** The outbox of what people are told. */
export function notificationsConformance(suite: Suite, create: CreateStore): void {
  describe('a notification', () => notifications(suite, create));
  describe('a batch of notifications', () => batches(suite));
}

const far = 3_600_000;

const notificationOf = (tenant: string, more: Partial<Notification> = {}): Notification => ({
  ...{ id: newId(), tenant, at: 1_790_000_000_123, severity: 'warning', title: 'disk "ü" \\ full' },
  labels: { schedule: 'disk-watch', target: 'web-1' },
  ...more,
});

const delivery = (channel: string, more: Partial<NewDelivery> = {}): NewDelivery => ({
  ...{ channel, key: 'k', group: 'g', delayMs: 0, urgent: false },
  ...more,
});

function notifications({ store }: Suite, create: CreateStore): void {
  const statesOf = async ({ tenant, id }: Notification) =>
    Object.fromEntries(
      ((await store().getNotification(tenant, id))?.deliveries ?? []).map(({ channel, state }) => [channel, state]),
    );

  it('is kept as it was given, once under its id, for its tenant alone', async () => {
    const full = notificationOf('notify-one', {
      ...{ id: 'disk@1 / ü: "x"', text: 'a\nb', fields: [{ name: 'used', value: '91 %' }], key: 'k' },
      ...{ links: [{ title: 'task', url: 'https://x.test/' }], to: ['a'] },
      actions: [{ id: 'ack', title: 'Acknowledge', kind: 'acknowledge' }],
    });
    expect(await store().addNotification(full, [delivery('b'), delivery('a', { urgent: true })])).toBe('new');
    expect(await store().addNotification({ ...full, title: 'another' }, [delivery('c')])).toBe('known');
    const record = await store().getNotification('notify-one', full.id);
    const waiting = { state: 'waiting', tries: 0, changedAt: expect.any(Number) };
    expect(record).toEqual({
      notification: full,
      addedAt: expect.any(Number),
      deliveries: [
        { channel: 'a', ...waiting },
        { channel: 'b', ...waiting },
      ],
    });
    expect(Math.abs((record?.addedAt ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await store().getNotification('globex', full.id)).toBeUndefined();
    expect(await store().addNotification({ ...full, tenant: 'notify-other' }, [])).toBe('new');
    expect(await store().dueDeliveries('notify-other', 10)).toEqual([]);
    const due = await store().dueDeliveries('notify-one', 10);
    expect(due.toSorted((x, y) => (x.channel < y.channel ? -1 : 1))).toEqual([
      { notification: full, channel: 'a', key: 'k', group: 'g', urgent: true, held: false },
      { notification: full, channel: 'b', key: 'k', group: 'g', urgent: false, held: false },
    ]);
    expect(await store().dueDeliveries('notify-one', 1)).toHaveLength(1);
  });

  it('is due with the first of its group that waits, and not before', async () => {
    const tenant = 'notify-group';
    const add = (channel: string, group: string, delayMs: number) =>
      store().addNotification(notificationOf(tenant, { title: `${channel} ${group} ${delayMs}` }), [
        delivery(channel, { group, delayMs }),
      ]);
    await add('a', 'g', 2_000);
    await add('a', 'g', far);
    await add('a', 'g', 100_000);
    await add('a', 'other', far);
    await add('b', 'g', far);
    expect(await store().dueDeliveries(tenant, 10)).toEqual([]);
    const due = await eventually('the group is due', async () => {
      const found = await store().dueDeliveries(tenant, 10);
      return found.length > 0 ? found : undefined;
    });
    expect(due.map(({ notification }) => notification.title).toSorted()).toEqual(
      ['a g 100000', 'a g 2000', `a g ${far}`].toSorted(),
    );
    // Whoever comes after that begins a new group.
    await add('a', 'g', far);
    expect(await store().dueDeliveries(tenant, 10)).toHaveLength(3);
  });

  it('is held as long as it is told to be', async () => {
    const tenant = 'notify-hold';
    const one = notificationOf(tenant);
    const two = notificationOf(tenant);
    for (const each of [one, two]) await store().addNotification(each, [delivery('a'), delivery('b')]);
    await store().holdDeliveries(tenant, 'a', [one.id, 'nobody'], far);
    await store().holdDeliveries(tenant, 'b', [one.id], 0);
    const due = await store().dueDeliveries(tenant, 10);
    expect(due.map(({ notification: { id }, channel, held }) => `${id} ${channel} ${held}`).toSorted()).toEqual(
      [`${one.id} b true`, `${two.id} a false`, `${two.id} b false`].toSorted(),
    );
    expect(await statesOf(one)).toEqual({ a: 'held', b: 'held' });
  });

  it('can be listed from the newest to the oldest, page by page', async () => {
    const tenant = 'notify-list';
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) {
      const each = notificationOf(tenant, { id: `n${n}` });
      await store().addNotification(each, n === 3 ? [] : [delivery('a')]);
      ids.unshift(each.id);
    }
    const seen: NotificationRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await store().listNotifications(tenant, { limit: 3, cursor });
      seen.push(...page.notifications);
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen.map(({ notification }) => notification.id).toSorted()).toEqual(ids.toSorted());
    const order = seen.map(({ addedAt, notification: { id } }) => `${addedAt} ${id}`);
    expect(order).toEqual(order.toSorted().toReversed());
    expect(seen.map(({ deliveries }) => deliveries.length).toSorted()).toEqual([0, 1, 1, 1, 1, 1, 1]);
    expect(await store().listNotifications(tenant, { limit: 7 })).not.toHaveProperty('cursor');
    expect(await store().listNotifications('notify-none', { limit: 1 })).toEqual({ notifications: [] });
    const refused = store().listNotifications(tenant, { limit: 1, cursor: 'x' });
    await expect(refused).rejects.toSatisfy((why) => why instanceof MoltError && why.code === 'MOLT_BAD_REQUEST');
  });

  it('is forgotten after its retention, when all of its deliveries have ended', async () => {
    const forgetful = create({ tasksMs: 0, outputMs: 0 });
    await forgetful.start();
    const tenant = 'notify-forget';
    const [half, silent, sent, repeated] = Array.from({ length: 4 }, () => notificationOf(tenant)) as [
      ...[Notification, Notification, Notification, Notification],
    ];
    await forgetful.addNotification(half, [delivery('a', { key: '1' }), delivery('b', { delayMs: far })]);
    await forgetful.addNotification(silent, []);
    for (const each of [sent, repeated]) await forgetful.addNotification(each, [delivery('a', { key: '2' })]);
    const matters = [
      { key: '1', ids: [half.id] },
      { key: '2', ids: [sent.id, repeated.id] },
    ];
    const batch: NewBatch = { tenant, id: newId(), channel: 'a', kind: 'now', matters, repeatAfterMs: 0 };
    expect(await forgetful.gatherBatch(batch)).toBe(2);
    await forgetful.expire();
    expect(await forgetful.getNotification(tenant, sent.id)).toBeDefined();
    expect((await forgetful.dueBatches(tenant, 9)).map(({ items }) => items.length)).toEqual([2]);
    await forgetful.settleBatch(tenant, batch.id, { kind: 'sent' });
    await eventually('what has ended is forgotten', async () => {
      await forgetful.expire();
      const found = await Promise.all([silent, sent, repeated].map(({ id }) => forgetful.getNotification(tenant, id)));
      return found.every((record) => record === undefined);
    });
    const left = await forgetful.listNotifications(tenant, { limit: 1 });
    expect(left.notifications.map(({ notification }) => notification.id)).toEqual([half.id]);
    expect(await forgetful.getNotification(tenant, sent.id)).toBeUndefined();
    expect(await forgetful.addNotification(sent, [])).toBe('new');
    await forgetful.stop();
  });
}

function batches({ store }: Suite): void {
  const addTo = async (tenant: string, channel: string, key: string, more: Partial<NewDelivery> = {}) => {
    const each = notificationOf(tenant);
    await store().addNotification(each, [delivery(channel, { key, ...more })]);
    return each.id;
  };
  const gather = async (tenant: string, channel: string, matters: NewBatch['matters'], repeatAfterMs = 0) => {
    const id = newId();
    const items = await store().gatherBatch({ tenant, id, channel, kind: 'now', matters, repeatAfterMs });
    return { id, items };
  };
  const stateOf = async (tenant: string, id: string) =>
    first((await store().getNotification(tenant, id))?.deliveries ?? []);

  it('holds what it was made of, is due at once, and ends once', async () => {
    const tenant = 'batch-one';
    const ids = [await addTo(tenant, 'a', '1'), await addTo(tenant, 'a', '2', { delayMs: far })];
    const { id, items } = await gather(
      tenant,
      'a',
      ids.map((each, n) => ({ key: `${n}`, ids: [each] })),
    );
    expect(items).toBe(2);
    expect(await store().dueDeliveries(tenant, 9)).toEqual([]);
    const [batch] = await store().dueBatches(tenant, 9);
    expect(batch).toMatchObject({ tenant, id, channel: 'a', kind: 'now', tries: 0, at: expect.any(Number) });
    expect(batch?.items.map(({ notification, repeats }) => [notification.id, repeats])).toEqual(
      ids.map((each) => [each, 0]),
    );
    expect(await stateOf(tenant, ids[0] ?? '')).toMatchObject({ state: 'sending', tries: 0 });
    expect(await store().settleBatch('globex', id, { kind: 'sent' })).toBe(false);
    expect(await store().settleBatch(tenant, id, { kind: 'sent' })).toBe(true);
    expect(await store().settleBatch(tenant, id, { kind: 'dead', error: 'late' })).toBe(false);
    expect(await store().dueBatches(tenant, 9)).toEqual([]);
    for (const each of ids) {
      const { error, ...state } = await stateOf(tenant, each);
      expect([state, error]).toEqual([
        { channel: 'a', state: 'sent', tries: 1, changedAt: expect.any(Number) },
        undefined,
      ]);
    }
  });

  it('of what is in another one already is none', async () => {
    const tenant = 'batch-twice';
    const id = await addTo(tenant, 'a', 'k');
    const matters = [{ key: 'k', ids: [id, 'nobody'] }];
    const both = await Promise.all([gather(tenant, 'a', matters, far), gather(tenant, 'a', matters, far)]);
    expect(both.map(({ items }) => items).toSorted()).toEqual([0, 1]);
    expect(await store().dueBatches(tenant, 9)).toHaveLength(1);
    await store().holdDeliveries(tenant, 'a', [id], 0);
    expect(await store().dueDeliveries(tenant, 9)).toEqual([]);
    expect(await stateOf(tenant, id)).toMatchObject({ state: 'sending' });
  });

  it('is tried again after a while, and says how often it was and why', async () => {
    const tenant = 'batch-retry';
    const id = await addTo(tenant, 'a', 'k');
    const batch = await gather(tenant, 'a', [{ key: 'k', ids: [id] }]);
    await store().settleBatch(tenant, batch.id, { kind: 'retry', delayMs: far, error: 'busy "ü"' });
    expect(await store().dueBatches(tenant, 9)).toEqual([]);
    expect(await stateOf(tenant, id)).toMatchObject({ state: 'sending', tries: 1, error: 'busy "ü"' });
    await store().settleBatch(tenant, batch.id, { kind: 'retry', delayMs: 0, error: 'busy' });
    expect(await store().dueBatches(tenant, 9)).toMatchObject([{ id: batch.id, tries: 2 }]);
    await store().settleBatch(tenant, batch.id, { kind: 'dead', error: 'gone' });
    expect(await stateOf(tenant, id)).toMatchObject({ state: 'dead', tries: 3, error: 'gone' });
  });

  it('tells a matter once, and counts what came with it and since', async () => {
    const tenant = 'batch-told';
    const add = () => addTo(tenant, 'a', 'k');
    const [one, two, three] = [await add(), await add(), await add()];
    expect(await gather(tenant, 'a', [{ key: 'k', ids: [three, two, one] }], far)).toMatchObject({ items: 1 });
    const [batch] = await store().dueBatches(tenant, 9);
    expect(batch?.items).toMatchObject([{ notification: { id: three }, repeats: 2 }]);
    await store().settleBatch(tenant, batch?.id ?? '', { kind: 'sent' });
    expect((await stateOf(tenant, one)).state).toBe('repeated');
    const later = [await add(), await add()];
    expect(await gather(tenant, 'a', [{ key: 'k', ids: later }], far)).toMatchObject({ items: 0 });
    for (const id of later) expect((await stateOf(tenant, id)).state).toBe('repeated');
    // Another channel has not told it, and neither has another matter been told.
    expect(await gather(tenant, 'b', [{ key: 'k', ids: [await addTo(tenant, 'b', 'k')] }], far)).toMatchObject({
      items: 1,
    });
    expect(await gather(tenant, 'a', [{ key: 'l', ids: [await add()] }], far)).toMatchObject({ items: 1 });
    await eventually('it is told again', async () => {
      const { items } = await gather(tenant, 'a', [{ key: 'k', ids: [await add()] }], 1);
      return items === 1;
    });
    const again = (await store().dueBatches(tenant, 9)).flatMap(({ items }) => items);
    expect(again.find(({ repeats }) => repeats >= 2)).toBeDefined();
  });

  it('that died told nothing: its matter is told the next time, with all that came before', async () => {
    const tenant = 'batch-dead';
    const add = () => addTo(tenant, 'a', 'k');
    const dying = await gather(tenant, 'a', [{ key: 'k', ids: [await add(), await add()] }], far);
    expect(await gather(tenant, 'a', [{ key: 'k', ids: [await add()] }], far)).toMatchObject({ items: 0 });
    await store().settleBatch(tenant, dying.id, { kind: 'dead', error: 'gone' });
    expect(await gather(tenant, 'a', [{ key: 'k', ids: [await add()] }], far)).toMatchObject({ items: 1 });
    expect((await store().dueBatches(tenant, 9)).flatMap(({ items }) => items)).toMatchObject([{ repeats: 3 }]);
    expect(await gather(tenant, 'a', [{ key: 'k', ids: [await add()] }], far)).toMatchObject({ items: 0 });
  });

  it('whatever happens to them: each notification ends once, told or counted', async () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'gather', 'sent', 'retry', 'dead'),
      key: fc.constantFrom('x', 'y'),
      repeats: fc.boolean(),
    });
    let sequences = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        sequences += 1;
        const tenant = `batch-any-${sequences}`;
        let added = 0;
        let told = 0;
        let repeated = 0;
        let dead = 0;
        for (const { what, key, repeats } of steps) {
          if (what === 'add') {
            await addTo(tenant, 'a', key);
            added += 1;
            continue;
          }
          if (what === 'gather') {
            const due = (await store().dueDeliveries(tenant, 50)).filter((each) => each.key === key);
            const ids = due.map(({ notification }) => notification.id);
            const { items } = await gather(tenant, 'a', [{ key, ids }], repeats ? far : 0);
            repeated += ids.length - items;
            continue;
          }
          const [batch] = await store().dueBatches(tenant, 1);
          if (!batch) continue;
          const end = { error: 'e', delayMs: 0, kind: what } as const;
          expect(await store().settleBatch(tenant, batch.id, end)).toBe(true);
          if (what === 'sent') told += batch.items.length;
          if (what === 'dead') dead += batch.items.length;
        }
        const { notifications: records } = await store().listNotifications(tenant, { limit: 100 });
        const count = (state: string) => records.filter(({ deliveries }) => first(deliveries).state === state).length;
        expect([records.length, count('sent'), count('repeated'), count('dead')]).toEqual([
          ...[added, told, repeated, dead],
        ]);
        const open = (await store().dueBatches(tenant, 50)).flatMap(({ items }) => items).length;
        expect(count('sending')).toBe(open);
        expect(count('waiting')).toBe((await store().dueDeliveries(tenant, 50)).length);
      }),
      { numRuns: 30 },
    );
  });
}
