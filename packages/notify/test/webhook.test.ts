import { type ChannelConfig, MoltError, Secret } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { expect, test } from 'vitest';
import { movableClock, notificationOf, openLab, routeTo } from './lab.ts';
import { secret, startReceiver } from './receiver.ts';

const hook = (
  url: string,
  allow: readonly string[] = ['127.0.0.1'],
  sign = secret,
): Readonly<Record<string, ChannelConfig>> => ({
  hook: { kind: 'webhook', tenant: 'default', url: new Secret(url), secret: new Secret(sign), allow },
});
/** Signatures are judged by the time of the receiver. */
const now = () => new Date().toISOString();

async function openHook(channels: Readonly<Record<string, ChannelConfig>>) {
  const config = { channels, routes: [routeTo('hook')], group: { waitMs: 0, by: ['schedule'] } };
  return openLab({ clock: movableClock(now()), config });
}

test('a post is signed, and tells all that is known', async () => {
  const receiver = await startReceiver();
  const lab = await openHook(hook(receiver.url));
  const given = notificationOf({
    ...{ severity: 'critical', text: 'It is über 90 %.', at: 1_790_000_000_000 },
    ...{ fields: [{ name: 'used', value: '91 %' }], links: [{ title: 'Task', url: 'https://x.test/t' }] },
  });
  await lab.notifications.notify(given);
  await lab.round();
  expect(receiver.posts).toHaveLength(1);
  const [post] = receiver.posts;
  expect(post?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^moltbot/),
  });
  expect(post?.body.data).toEqual({
    ...{ tenant: 'default', channel: 'hook', digest: false, severity: 'critical' },
    notifications: [
      {
        ...{
          id: given.id,
          severity: 'critical',
          title: given.title,
          text: given.text,
          labels: given.labels,
          repeats: 0,
        },
        ...{ at: new Date(given.at).toISOString(), fields: given.fields, links: given.links },
      },
    ],
  });
});

test('a try after a failure has the same id and the same bytes, and waits as long as it is asked to', async () => {
  const receiver = await startReceiver((response, nth) => {
    if (nth === 1) response.writeHead(503, { 'retry-after': '60' }).end();
    else response.writeHead(200).end('thanks');
  });
  const lab = await openHook(hook(receiver.url));
  await lab.notifications.notify(notificationOf());
  await lab.pass(59_000);
  expect(receiver.posts).toHaveLength(1);
  await lab.pass(3_000);
  const [one, two] = receiver.posts;
  expect(receiver.posts).toHaveLength(2);
  expect([two?.id, two?.text]).toEqual([one?.id, one?.text]);
  expect(await lab.count('sent')).toBe(1);
});

test.each([
  [410, 'dead', '410, the receiver wants no more of it'],
  [500, 'sending', '500'],
  [302, 'sending', '302, and redirects are not followed'],
])('an answer %i makes it %s', async (status, state, why) => {
  const receiver = await startReceiver((response) => void response.writeHead(status, { location: '/elsewhere' }).end());
  const lab = await openHook(hook(receiver.url));
  const given = notificationOf();
  await lab.notifications.notify(given);
  await lab.round();
  const record = await lab.store.getNotification('default', given.id);
  expect(record?.deliveries).toMatchObject([{ state, error: `${new URL(receiver.url).host} answered ${why}` }]);
  expect(receiver.posts).toHaveLength(1);
});

test('a receiver with another secret is not convinced', async () => {
  const receiver = await startReceiver();
  const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
  const lab = await openHook(hook(receiver.url, ['127.0.0.1'], other));
  const given = notificationOf();
  await lab.notifications.notify(given);
  await lab.round();
  expect((await lab.store.getNotification('default', given.id))?.deliveries).toMatchObject([
    { state: 'sending', error: expect.stringContaining('answered 401') },
  ]);
});

test('an address inside is refused at the start, and a name that leads inside at the connection', async () => {
  const receiver = await startReceiver();
  const refused = await openHook(hook(receiver.url, [])).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(MoltError);
  expect(refused).toMatchObject({
    code: 'MOLT_BAD_CONFIG',
    places: [
      { path: 'notifications.channels.hook', message: expect.stringContaining('127.0.0.1, which is not public') },
    ],
  });
  const { port } = new URL(receiver.url);
  // It is public as far as its text tells.
  const lab = await openHook(hook(`http://localtest.invalid:${port}/`, []));
  const given = notificationOf();
  await lab.notifications.notify(given);
  await lab.round();
  // A round waits 1 s for it; a resolver may take longer.
  const [delivery] = await eventually('the try', async () => {
    const { deliveries = [] } = (await lab.store.getNotification('default', given.id)) ?? {};
    return deliveries[0]?.tries === 1 && deliveries;
  });
  expect(delivery).toMatchObject({ state: 'sending', tries: 1 });
  expect(receiver.posts).toEqual([]);
});
