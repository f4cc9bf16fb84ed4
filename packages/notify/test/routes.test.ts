import { type Notification, type NotificationRoute, type Severity, severities } from '@moltbot/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { channelsOf, requireChannel } from '../src/routes.ts';
import { configOf, notificationOf, probes, routeTo } from './lab.ts';

const config = (routes: readonly NotificationRoute[]) => configOf({ channels: probes('a', 'b', 'c'), routes });
const of = (routes: readonly NotificationRoute[], more: Partial<Notification> = {}) =>
  channelsOf(notificationOf(more), config(routes));

test('the first route that takes it says where, and those below are looked at only when it says so', () => {
  const any = routeTo('a');
  expect(of([any, routeTo('b')])).toEqual(['a']);
  expect(of([{ ...any, continue: true }, routeTo('b', 'a')])).toEqual(['a', 'b']);
  expect(
    of([
      { ...any, continue: true },
      { ...routeTo('b'), match: { labels: { team: '*' } } },
    ]),
  ).toEqual(['a']);
  expect(of([{ ...any, tenant: 'acme' }, routeTo('b')])).toEqual(['b']);
});

test('what no route takes is told the log; a route to nowhere takes it, and tells nobody', () => {
  expect(of([])).toEqual(['log']);
  expect(of([{ ...routeTo('a'), match: { labels: {}, min: 'critical' } }])).toEqual(['log']);
  expect(of([routeTo()])).toEqual([]);
});

test('a label must be there, and one of Object is not', () => {
  const route = (name: string): NotificationRoute => ({ ...routeTo('a'), match: { labels: { [name]: '*' } } });
  expect(of([route('schedule')])).toEqual(['a']);
  expect(of([route('constructor')])).toEqual(['log']);
});

test('channels it names itself come before the routes, and the log stands for those that its tenant has not', () => {
  expect(of([routeTo('a')], { to: ['b', 'log', 'b'] })).toEqual(['b', 'log']);
  expect(of([routeTo('a')], { to: [] })).toEqual([]);
  expect(of([routeTo('a')], { to: ['aa', 'b', 'cc'] })).toEqual(['log', 'b']);
  expect(of([], { to: ['a'], tenant: 'acme' })).toEqual(['log']);
});

test('who asks for a channel by name is told that there is none, and what is meant', () => {
  const of = (name: string, tenant: string) => () => requireChannel(name, tenant, config([]));
  expect(of('aa', 'default')).toThrowError(expect.objectContaining({ code: 'MOLT_UNKNOWN_CHANNEL' }));
  expect(of('aa', 'default')).toThrowError('there is no channel "aa"; did you mean "a"?');
  expect(of('a', 'acme')).toThrowError('there is no channel "a"; there are: log');
  expect([of('a', 'default')(), of('log', 'acme')()]).toEqual([undefined, undefined]);
});

/** Says the same in another way: as sets of severities, and labels by equality alone. */
function expected(routes: readonly NotificationRoute[], notification: Notification): Set<string> {
  const passes = (route: NotificationRoute): boolean => {
    const all = new Set<Severity>(severities);
    const allowed = new Set(route.match.severity ?? all);
    const { min } = route.match;
    if (min) for (const each of severities.slice(0, severities.indexOf(min))) allowed.delete(each);
    const labels = Object.entries(route.match.labels);
    const fits = labels.filter(([name, value]) => value === '*' || notification.labels[name] === value);
    return route.tenant === notification.tenant && allowed.has(notification.severity) && fits.length === labels.length;
  };
  const result = new Set<string>();
  let open = true;
  let taken = false;
  for (const route of routes) {
    if (!open || !passes(route)) continue;
    taken = true;
    open = route.continue;
    for (const name of route.to) result.add(name);
  }
  return taken ? result : new Set(['log']);
}

const severity = fc.constantFrom(...severities);
const labels = fc.dictionary(fc.constantFrom('team', 'schedule'), fc.constantFrom('x', 'y'), { maxKeys: 2 });
const route: fc.Arbitrary<NotificationRoute> = fc.record({
  tenant: fc.constantFrom('default', 'default', 'acme'),
  match: fc.record(
    {
      severity: fc.uniqueArray(severity, { minLength: 1 }),
      min: severity,
      labels: fc.dictionary(fc.constantFrom('team', 'schedule'), fc.constantFrom('x', 'y'), { maxKeys: 2 }),
    },
    { requiredKeys: ['labels'] },
  ),
  to: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'log')),
  continue: fc.boolean(),
});

test('whatever the routes: exactly the channels they say, each once', () => {
  fc.assert(
    fc.property(fc.array(route, { maxLength: 6 }), severity, labels, (routes, grave, own) => {
      const notification = notificationOf({ severity: grave, labels: own });
      const got = channelsOf(notification, config(routes));
      expect(new Set(got)).toEqual(expected(routes, notification));
      expect(new Set(got).size).toBe(got.length);
    }),
    { numRuns: 2_000 },
  );
});
