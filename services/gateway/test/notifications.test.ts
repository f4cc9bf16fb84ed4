import { type NotificationsConfig, newId } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { openNotificationRoutes } from './notifications-lab.ts';

const config: NotificationsConfig = {
  channels: { ops: { kind: 'log', tenant: 'acme' }, theirs: { kind: 'log', tenant: 'globex' } },
  routes: [{ tenant: 'acme', match: { labels: { team: 'ops' } }, to: ['ops'], continue: false }],
  group: { waitMs: 3_600_000, by: ['schedule'] },
  ...{ repeatAfterMs: 3_600_000, giveUpAfterMs: 3_600_000 },
  quietHours: [
    {
      ...{ tenant: 'acme', days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '00:00' },
      ...{ timezone: 'UTC', below: 'critical' },
    },
  ],
};

const openRoutes = (more: { readonly isLed?: boolean } = {}) => openNotificationRoutes({ config, ...more });

test('a test waits for nobody, is not held, and answers with what became of it', async () => {
  const { call } = await openRoutes();
  const labels = { team: 'ops' };
  const { status, body } = await call('POST', '/test', { body: { severity: 'warning', title: 'Hello', labels } });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    ...{ id: expect.stringMatching(/^test:/), severity: 'warning', title: 'Hello', labels },
    deliveries: [{ channel: 'ops', state: 'sent', tries: 1 }],
  });
  // The same again is a test again.
  expect((await call('POST', '/test', { body: { title: 'Hello', labels } })).body).toMatchObject({
    deliveries: [{ channel: 'ops', state: 'sent' }],
  });
  const unrouted = await call('POST', '/test', { body: {} });
  expect(unrouted.body).toMatchObject({
    title: 'Test of notifications',
    deliveries: [{ channel: 'log', state: 'sent' }],
  });
});

test('when nobody leads, the answer says that it waits', async () => {
  const { call } = await openRoutes({ isLed: false });
  const { status, body } = await call('POST', '/test?wait=100ms', { body: { channel: 'ops' } });
  expect([status, body['deliveries']]).toEqual([
    200,
    [{ channel: 'ops', state: 'waiting', tries: 0, changedAt: expect.any(String) }],
  ]);
});

test.each([
  [{ channel: 'opps' }, 'MOLT_UNKNOWN_CHANNEL', '/body/channel'],
  [{ channel: 'theirs' }, 'MOLT_UNKNOWN_CHANNEL', '/body/channel'],
  [{ severity: 'bad' }, 'MOLT_BAD_REQUEST', '/body/severity'],
  [{ title: '' }, 'MOLT_BAD_REQUEST', '/body/title'],
  [{ chanel: 'ops' }, 'MOLT_BAD_REQUEST', '/body/chanel'],
])('%j is refused with %s', async (body, code, path) => {
  const { call, store } = await openRoutes({ isLed: false });
  const answer = await call('POST', '/test', { body });
  expect([answer.status, answer.body['code']]).toEqual([400, code]);
  expect(answer.body['errors']).toMatchObject([{ path }]);
  expect((await store.listNotifications('acme', { limit: 1 })).notifications).toEqual([]);
});

test('the list is of the tenant, page by page, with what became of each', async () => {
  const { call, store } = await openRoutes({ isLed: false });
  const add = (tenant: string, title: string) =>
    store.addNotification(
      {
        ...{ id: newId(), tenant, at: 1_790_000_000_000, severity: 'error', title, labels: {}, text: 't' },
        ...{ fields: [{ name: 'a', value: 'b' }], links: [{ title: 'x', url: 'https://x.test/' }], key: 'hidden' },
      },
      [{ channel: 'ops', key: 'k', group: 'g', delayMs: 0, urgent: false }],
    );
  for (const title of ['one', 'two', 'three']) await add('acme', title);
  await add('globex', 'theirs');
  const first = await call('GET', '?limit=2');
  const more = await call('GET', `?limit=2&cursor=${encodeURIComponent(String(first.body['cursor']))}`);
  const all = [first, more].flatMap(({ body }) => body['notifications'] as Record<string, unknown>[]);
  expect(all.map(({ title }) => title).toSorted()).toEqual(['one', 'three', 'two']);
  expect(more.body).not.toHaveProperty('cursor');
  expect(all[0]).toEqual({
    ...{ id: expect.any(String), at: '2026-09-21T14:13:20.000Z', addedAt: expect.any(String), severity: 'error' },
    ...{ title: expect.any(String), text: 't', fields: [{ name: 'a', value: 'b' }], labels: {} },
    links: [{ title: 'x', url: 'https://x.test/' }],
    deliveries: [{ channel: 'ops', state: 'waiting', tries: 0, changedAt: expect.any(String) }],
  });
  const wrong = await call('GET', '?cursor=x');
  expect([wrong.status, wrong.body['errors']]).toMatchObject([400, [{ path: '/query/cursor' }]]);
});
