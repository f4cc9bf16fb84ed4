import { systemClock } from '@moltbot/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFixture, type Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  // Before the instants that are asked for below.
  fixture = await createFixture({ clock: { ...systemClock, now: () => Date.UTC(2026, 10, 28) } });
});
afterAll(() => fixture[Symbol.asyncDispose]());

const spec = {
  when: '30 2 * * *',
  timezone: 'Europe/Berlin',
  task: { action: 'shell.run', args: { command: 'true' }, on: 'web-1' },
};
const send = (method: string, path: string, body?: unknown): Promise<Response> =>
  fixture.call(`/v1/schedules${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
const json = async (response: Promise<Response>): Promise<Record<string, unknown>> =>
  (await (await response).json()) as Record<string, unknown>;

test('a schedule is made, replaced, listed, paused, resumed and deleted', async () => {
  expect((await send('PUT', '/night', spec)).status).toBe(201);
  expect((await send('PUT', '/night', { ...spec, owner: 'ops' })).status).toBe(200);
  expect(await json(send('GET', '/night'))).toMatchObject({
    ...{ id: 'night', source: 'api', createdBy: 'key:1', failures: 0 },
    spec: { ...spec, owner: 'ops', dst: 'run-once', overlap: 'skip' },
  });
  expect(await json(send('GET', '?limit=1'))).toMatchObject({ schedules: [{ id: 'night' }] });
  expect(await json(send('POST', '/night/pause'))).toMatchObject({ paused: { why: 'operator', by: 'key:1' } });
  expect(await json(send('POST', '/night/resume'))).not.toHaveProperty('paused');
  expect((await send('DELETE', '/night')).status).toBe(200);
  expect(await json(send('GET', '/night'))).toMatchObject({ code: 'MOLT_NOT_FOUND' });
  expect(await json(send('DELETE', '/night'))).toMatchObject({ code: 'MOLT_NOT_FOUND' });
});

test('a schedule may name channels of its tenant', async () => {
  const to = ['ops-mail', 'log'];
  const more = { onFailure: { to }, alerts: [{ if: 'true', title: 'x', to }] };
  expect((await send('PUT', '/told', { ...spec, ...more })).status).toBe(201);
  expect(await json(send('GET', '/told'))).toMatchObject({ spec: { onFailure: { to }, alerts: [{ to }] } });
});

test('the next instants are shown in the zone and in UTC, with those that clocks leave out', async () => {
  const start = '2027-03-27T00:00:00Z';
  const body = { ...spec, dst: 'skip', start, end: '2027-03-30T00:00:00Z' };
  expect(await json(send('POST', '/preview?count=5', body))).toEqual({
    next: [
      { utc: '2027-03-27T01:30:00.000Z', local: '2027-03-27 02:30:00 CET', due: '2027-03-27T01:30:00.000Z' },
      ...[
        {
          utc: '2027-03-28T01:00:00.000Z',
          local: '2027-03-28 03:00:00 CEST',
          due: '2027-03-28T01:00:00.000Z',
          skip: 'dst-gap',
        },
      ],
      { utc: '2027-03-29T00:30:00.000Z', local: '2027-03-29 02:30:00 CEST', due: '2027-03-29T00:30:00.000Z' },
    ],
  });
});

test.each([
  [{ when: '61 * * * *' }, 'MOLT_BAD_SCHEDULE', 'column 1: "61" is out of range for the minute: 0 to 59'],
  [{ when: '0 0 * * MN' }, 'MOLT_BAD_SCHEDULE', 'column 9: "MN" is no day of the week; did you mean "MON"?'],
  [{ when: '@hourli' }, 'MOLT_BAD_SCHEDULE', 'did you mean "@hourly"?'],
  [{ when: '0 0 30 2 *' }, 'MOLT_BAD_SCHEDULE', 'never comes'],
  [{ timezone: 'Europe/Berlln' }, 'MOLT_BAD_SCHEDULE', 'did you mean "Europe/Berlin"?'],
  [{ calendars: { exclude: ['x'] } }, 'MOLT_BAD_SCHEDULE', 'there is no calendar "x"'],
  [{ overlap: 'never' }, 'MOLT_BAD_REQUEST', '/overlap'],
  [{ onFailure: { to: ['log', 'ops-mial'] } }, 'MOLT_BAD_SCHEDULE', 'did you mean "ops-mail"?'],
  [{ onFailure: { to: ['log', 'ops-mial'] } }, 'MOLT_BAD_SCHEDULE', '/body/onFailure/to/1'],
  [{ alerts: [{ if: 'true', title: 'x', to: ['theirs'] }] }, 'MOLT_BAD_SCHEDULE', '/body/alerts/0/to/0'],
  [{ onFailure: { to: [] } }, 'MOLT_BAD_REQUEST', 'name a channel, or leave it out'],
])('%j is refused with %s', async (more, code, said) => {
  const answer = await json(send('PUT', '/bad', { ...spec, ...more }));
  expect(answer).toMatchObject({ code });
  expect(JSON.stringify(answer).replaceAll('\\"', '"')).toContain(said);
  expect(await json(send('GET', '/bad'))).toMatchObject({ code: 'MOLT_NOT_FOUND' });
});

test('run now and backfill leave occurrences that wait for whoever leads', async () => {
  await send('PUT', '/fill', { ...spec, when: 'every 1h' });
  expect(await json(send('POST', '/fill/run'))).toMatchObject({ kind: 'manual', state: 'waiting' });
  const stretch = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T03:00:00Z' };
  expect(await json(send('POST', '/fill/backfill', stretch))).toEqual({ occurrences: 4 });
  const history = await json(send('GET', '/fill/occurrences?state=waiting&until=2026-06-01T00:00:00Z'));
  expect((history['occurrences'] as { instant: string }[]).map(({ instant }) => instant)).toEqual([
    ...['2026-01-01T03:00:00.000Z', '2026-01-01T02:00:00.000Z'],
    ...['2026-01-01T01:00:00.000Z', '2026-01-01T00:00:00.000Z'],
  ]);
  const long = await json(send('POST', '/fill/backfill', { ...stretch, from: '2020-01-01T00:00:00Z' }));
  expect(long).toMatchObject({ code: 'MOLT_BAD_REQUEST' });
});
