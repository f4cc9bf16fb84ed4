import { newId, ScheduleSpec } from '@moltbot/shared';
import { describe, expect, it } from 'vitest';
import type { Decision, NewOccurrence, PutSchedule, ScheduleStore } from '../../src/schedules-port.ts';
import type { Suite } from './suite.ts';

const specOf = (more: Record<string, unknown> = {}): ScheduleSpec =>
  ScheduleSpec.parse({ when: '@daily', task: { action: 'shell.run', on: 'web-1' }, ...more });

const wanted = (more: Partial<PutSchedule> = {}): PutSchedule => ({
  ...{ tenant: 'plans', id: newId(), spec: specOf(), source: 'api', by: 'key:1', plan: 'daily' },
  ...more,
});

const firing = (at: number, more: Partial<NewOccurrence> = {}): NewOccurrence => ({
  ...{ at, due: at, kind: 'planned', state: 'firing' },
  ...more,
});

/** Schedules, and what becomes of their instants. */
export function schedulesConformance({ store }: Suite): void {
  const made = async (more: Partial<PutSchedule> = {}) => {
    const { record } = await store().putSchedule(wanted(more));
    const place = { tenant: record.tenant, scheduleId: record.id };
    const decide = (more: Partial<Decision>) =>
      store().decideOccurrences({ ...place, revision: record.revision, epoch: 1, occurrences: [], ...more });
    return { record, place, decide };
  };

  describe('schedules', () => {
    it('are made, stay the same, are replaced, and belong to one source', async () => {
      const first = wanted();
      const created = await store().putSchedule(first);
      expect(created).toMatchObject({ kind: 'created', record: { spec: first.spec, createdBy: 'key:1', failures: 0 } });
      const { record } = created;
      expect(record.cursor).toBe(record.createdAt);
      expect(record.activeSince).toBe(record.createdAt);
      expect(await store().putSchedule(first)).toEqual({ kind: 'same', record });
      const spec = specOf({ owner: 'ops' });
      const replaced = await store().putSchedule({ ...first, spec, by: 'key:2' });
      expect(replaced).toMatchObject({ kind: 'replaced', record: { spec, createdBy: 'key:1', cursor: record.cursor } });
      expect(replaced.record.revision).toBeGreaterThan(record.revision);
      expect(await store().putSchedule({ ...first, source: 'config' })).toMatchObject({ kind: 'foreign' });
      expect(await store().getSchedule(first.tenant, first.id)).toEqual(replaced.record);
      expect(await store().getSchedule('globex', first.id)).toBeUndefined();
      expect(await store().dropSchedule(first.tenant, first.id, 'config')).toBe('foreign');
      expect(await store().dropSchedule(first.tenant, first.id, 'api')).toBe('ok');
      expect(await store().dropSchedule(first.tenant, first.id, 'api')).toBe('absent');
      expect(await store().getSchedule(first.tenant, first.id)).toBeUndefined();
    });

    it('keep what is decided under the same plan, and begin anew under another', async () => {
      const { record, decide } = await made();
      const cursor = record.cursor + 60_000;
      expect(await decide({ cursor })).toEqual({ kind: 'ok', taken: [] });
      expect(await decide({ cursor: cursor - 1 })).toEqual({ kind: 'ok', taken: [] });
      const again = wanted({ id: record.id, spec: specOf({ owner: 'x' }) });
      expect((await store().putSchedule(again)).record.cursor).toBe(cursor);
      const other = await store().putSchedule({ ...again, plan: 'other', spec: specOf({ when: '@hourly' }) });
      expect(other.record.cursor).toBe(other.record.updatedAt);
      expect(other.record.activeSince).toBe(other.record.updatedAt);
    });

    it('that are put by two at once are answered with what each has put', async () => {
      const id = newId();
      const owners = ['ann', 'bob', 'cy'];
      const put = (owner: string) => store().putSchedule(wanted({ id, spec: specOf({ owner }) }));
      const outcomes = await Promise.all(owners.map(put));
      expect(outcomes.map(({ record }) => record.spec.owner)).toEqual(owners);
      const drop = () => store().dropSchedule('plans', id, 'api');
      const [last] = await Promise.all([put('dee'), drop()]);
      expect(last.record.spec.owner).toBe('dee');
    });

    it('pause and resume', async () => {
      const { record } = await made();
      const pause = (how?: 'operator' | 'failures') =>
        store().pauseSchedule('plans', record.id, how && { why: how, by: 'key:a b' });
      expect(await pause()).toBe('same');
      expect(await pause('failures')).toBe('ok');
      expect(await pause('operator')).toBe('same');
      const paused = await store().getSchedule('plans', record.id);
      expect(paused?.paused).toMatchObject({ why: 'failures', by: 'key:a b' });
      expect(await pause()).toBe('ok');
      const resumed = await store().getSchedule('plans', record.id);
      expect(resumed?.paused).toBeUndefined();
      expect(resumed?.activeSince).toBeGreaterThanOrEqual(paused?.paused?.at ?? Number.NaN);
      expect(await store().pauseSchedule('plans', 'nobody', undefined)).toBe('absent');
    });

    it('are listed by id, and their changes by revision, the deleted ones too', async () => {
      const tenant = `t${Date.now()}`;
      for (const id of ['c', 'a', 'b']) await store().putSchedule(wanted({ tenant, id }));
      const page = await store().listSchedules(tenant, { limit: 2 });
      expect(page.schedules.map(({ id }) => id)).toEqual(['a', 'b']);
      const rest = await store().listSchedules(tenant, { limit: 2, cursor: page.cursor });
      expect([rest.schedules.map(({ id }) => id), rest.cursor]).toEqual([['c'], undefined]);
      await store().dropSchedule(tenant, 'a', 'api');
      const all = await store().changedSchedules(tenant, 0, 10);
      expect(all.changes.map(({ id, record }) => [id, record?.id])).toEqual([
        ['c', 'c'],
        ['b', 'b'],
        ['a', undefined],
      ]);
      expect(all.revision).toBe(all.changes.at(-1)?.revision);
      const [first] = all.changes;
      expect((await store().changedSchedules(tenant, first?.revision ?? 0, 1)).changes).toEqual([all.changes[1]]);
      expect(await store().changedSchedules('nobody', 0, 5)).toEqual({ changes: [], revision: 0 });
    });

    it('are put back with where they stood, unless they are there', async () => {
      const { record } = await made({ tenant: `r${Date.now()}` });
      const { tenant, id } = record;
      const lost = { ...record, plan: 'daily', cursor: record.cursor + 5, failures: 3 };
      expect(await store().restoreSchedules(tenant, [lost])).toBe(0);
      await store().dropSchedule(tenant, id, 'api');
      expect(await store().restoreSchedules(tenant, [lost])).toBe(1);
      const restored = await store().getSchedule(tenant, id);
      expect(restored).toEqual({ ...record, cursor: lost.cursor, failures: 3, revision: restored?.revision });
      expect(restored?.revision).toBeGreaterThan(record.revision);
    });
  });

  describe('occurrences', () => {
    it('are decided once, whoever comes first', async () => {
      const { record, place, decide } = await made();
      const at = record.cursor + 1_000;
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => decide({ cursor: at + 1, occurrences: [firing(at), firing(at + 1)] })),
      );
      const taken = outcomes.map((outcome) => (outcome.kind === 'ok' ? outcome.taken : []));
      expect(taken.filter(([one]) => one)).toHaveLength(1);
      expect(taken.filter(([, two]) => two)).toHaveLength(1);
      expect((await store().getSchedule(place.tenant, place.scheduleId))?.cursor).toBe(at + 1);
      expect(await store().getOccurrence(place.tenant, place.scheduleId, at)).toMatchObject({ at, state: 'firing' });
    });

    it('are refused to a former leader, to one with an old schedule, and without a schedule', async () => {
      const { record, decide } = await made();
      expect(await decide({ epoch: 7 })).toMatchObject({ kind: 'ok' });
      expect(await decide({ epoch: 6, occurrences: [firing(1)] })).toEqual({ kind: 'fenced' });
      expect(await decide({ epoch: 7, revision: record.revision - 1 })).toEqual({ kind: 'stale' });
      expect(await decide({ epoch: 7, scheduleId: 'nobody' })).toEqual({ kind: 'absent' });
      // Who decides beside the leader is not fenced, and makes it look.
      expect(await decide({ epoch: 0 })).toMatchObject({ kind: 'ok' });
      expect(await decide({ epoch: 8 })).toEqual({ kind: 'stale' });
    });

    it('move on, and their final states are final but for evidence', async () => {
      const { place, decide } = await made();
      const at = Date.now();
      const late = firing(at + 1, { state: 'missed', reason: 'window', count: 3, until: at + 9 });
      await decide({ occurrences: [firing(at, { state: 'waiting', due: at + 5 }), late] });
      const move = (when: number, to: Parameters<ScheduleStore['moveOccurrence']>[0]['to'], follow = false) =>
        store().moveOccurrence({ ...place, at: when, to, follow });
      expect(await move(at, { state: 'fired', taskId: 't' })).toBe('illegal');
      expect(await move(at, { state: 'firing' })).toBe('ok');
      expect(await move(at, { state: 'firing' })).toBe('ok');
      expect(await move(at, { state: 'missed', reason: 'refused', note: 'MOLT_X: no' })).toBe('ok');
      const read = () => store().getOccurrence(place.tenant, place.scheduleId, at);
      expect(await read()).toMatchObject({ state: 'missed', reason: 'refused', note: 'MOLT_X: no' });
      expect(await move(at, { state: 'skipped', reason: 'overlap' })).toBe('illegal');
      expect(await move(at, { state: 'fired', taskId: 't' }, true)).toBe('ok');
      expect(await move(at, { state: 'fired', taskId: 't' }, true)).toBe('ok');
      const fired = await read();
      expect(fired).toMatchObject({ at, due: at + 5, state: 'fired', taskId: 't', kind: 'planned' });
      expect(fired?.reason).toBeUndefined();
      expect(await move(at + 77, { state: 'firing' })).toBe('absent');
      const gap = await store().getOccurrence(place.tenant, place.scheduleId, at + 1);
      expect(gap).toEqual({ ...late, decidedAt: gap?.decidedAt });
    });

    it('stay open until the end of their task is noted, once', async () => {
      const tenant = `o${Date.now()}`;
      const { place, decide } = await made({ tenant });
      await decide({ occurrences: [firing(10), firing(20), firing(30, { state: 'skipped', reason: 'overlap' })] });
      for (const at of [10, 20]) {
        await store().moveOccurrence({ ...place, at, to: { state: 'fired', taskId: `t${at}` }, follow: true });
      }
      const open = await store().listOpenOccurrences(tenant, { limit: 1 });
      expect(open).toMatchObject([{ scheduleId: place.scheduleId, occurrence: { at: 10, taskId: 't10' } }]);
      const [after] = open;
      const next = await store().listOpenOccurrences(tenant, { limit: 5, ...(after && { after }) });
      expect(next.map(({ occurrence }) => occurrence.at)).toEqual([20]);
      const end = (at: number, outcome: 'failed' | 'succeeded', failed: boolean) =>
        store().endOccurrence({ ...place, at, outcome, failed });
      expect(await end(10, 'failed', true)).toBe(1);
      expect(await end(10, 'failed', true)).toBeUndefined();
      expect(await end(20, 'succeeded', false)).toBe(0);
      expect(await store().listOpenOccurrences(tenant, { limit: 5 })).toEqual([]);
      expect(await store().getOccurrence(tenant, place.scheduleId, 10)).toMatchObject({ outcome: 'failed' });
    });

    it('are listed while they are open, those of one due time too as the first of them end', async () => {
      const tenant = `d${Date.now()}`;
      const { place, decide } = await made({ tenant });
      await decide({ occurrences: [1, 2, 3, 4, 5].map((at) => firing(at, { due: 9 })) });
      const first = await store().listOpenOccurrences(tenant, { limit: 2 });
      const after = first.at(-1);
      const end = () => store().moveOccurrence({ ...place, at: 1, to: { state: 'missed', reason: 'deadline' } });
      const next = () => store().listOpenOccurrences(tenant, { limit: 2, ...(after && { after }) });
      const [second] = await Promise.all([next(), end()]);
      expect([...first, ...second].map(({ occurrence }) => occurrence.at)).toEqual([1, 2, 3, 4]);
      await store().moveOccurrence({ ...place, at: 2, to: { state: 'missed', reason: 'deadline' } });
      expect((await next()).map(({ occurrence }) => occurrence.at)).toEqual([3, 4]);
      const rest = await store().listOpenOccurrences(tenant, { limit: 5 });
      expect(rest.map(({ occurrence }) => occurrence.at)).toEqual([3, 4, 5]);
    });

    it('are opened again to be filled in, and a row of many keeps the others', async () => {
      const { place, decide } = await made();
      const many = firing(1_000, { state: 'missed', reason: 'window', count: 30, until: 30_000 });
      await decide({ occurrences: [many] });
      const reopen = () => store().reopenOccurrence(place.tenant, place.scheduleId, 1_000);
      expect([await reopen(), await reopen()]).toEqual(['ok', 'illegal']);
      const { occurrences } = await store().listOccurrences(place.tenant, place.scheduleId, { limit: 5 });
      expect(occurrences).toMatchObject([
        { at: 1_001, state: 'missed', reason: 'window', count: 29, until: 30_000 },
        { at: 1_000, state: 'waiting', kind: 'backfill' },
      ]);
      expect(occurrences[1]?.count).toBeUndefined();
    });

    it('that fire are not skipped: their task may run', async () => {
      const { place, decide } = await made();
      await decide({ occurrences: [firing(1)] });
      const skip = { ...place, at: 1, to: { state: 'skipped', reason: 'superseded' } } as const;
      expect(await store().moveOccurrence(skip)).toBe('illegal');
    });

    it('are opened again to be filled in', async () => {
      const { place, record, decide } = await made();
      await decide({ occurrences: [firing(10, { state: 'missed', reason: 'window' }), firing(20)] });
      const reopen = (at: number) => store().reopenOccurrence(place.tenant, place.scheduleId, at);
      expect([await reopen(10), await reopen(15), await reopen(20)]).toEqual(['ok', 'ok', 'illegal']);
      expect(await store().getOccurrence(place.tenant, place.scheduleId, 10)).toMatchObject({
        ...{ at: 10, kind: 'backfill', state: 'waiting' },
      });
      expect((await store().getSchedule(place.tenant, place.scheduleId))?.revision).toBeGreaterThan(record.revision);
    });

    it('are listed newest first, page by page, by state and time, also of a schedule that is gone', async () => {
      const { place, decide, record } = await made();
      const states = ['fired', 'skipped', 'missed'] as const;
      const rows = Array.from({ length: 9 }, (_, n) => firing(n + 1, { state: states[n % 3] ?? 'fired' }));
      await decide({ occurrences: rows });
      await store().dropSchedule(record.tenant, record.id, 'api');
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = await store().listOccurrences(place.tenant, place.scheduleId, { limit: 4, cursor });
        seen.push(...page.occurrences.map(({ at }) => at));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
      const query = { limit: 10, since: 3, until: 9, states: ['missed'] } as const;
      const some = await store().listOccurrences(place.tenant, place.scheduleId, query);
      expect(some.occurrences.map(({ at }) => at)).toEqual([6, 3]);
    });
  });
}
