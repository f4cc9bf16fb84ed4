import { checkServiceContract } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../src/port.ts';
import type { Retention } from '../src/retention.ts';
import { attemptsConformance } from './conformance/attempts.ts';
import { expiryConformance } from './conformance/expiry.ts';
import { forgettingConformance } from './conformance/forgetting.ts';
import { leasesConformance } from './conformance/leases.ts';
import { limitsConformance } from './conformance/limits.ts';
import { notificationsConformance } from './conformance/notifications.ts';
import { outputConformance } from './conformance/output.ts';
import { randomConformance } from './conformance/random.ts';
import { recordsConformance } from './conformance/records.ts';
import { repliesConformance } from './conformance/replies.ts';
import { runsConformance } from './conformance/runs.ts';
import { schedulesConformance } from './conformance/schedules.ts';
import { type EmptyStore, randomSchedulesConformance } from './conformance/schedules-random.ts';
import { type CreateStore, suiteOf } from './conformance/suite.ts';
import { tasksConformance } from './conformance/tasks.ts';
import { claimOf, late, newTask, orderOf } from './fixtures.ts';

const week: Retention = { tasksMs: 604_800_000, outputMs: 604_800_000 };

/** What every store does. @param empty by default another takes its place, where each has a place of its own */
export function storeConformance(name: string, create: CreateStore, empty?: EmptyStore): void {
  describe(`${name} is a Store`, () => {
    let store: Store;
    beforeAll(async () => {
      store = create(week, 0);
      await store.start();
    });
    afterAll(() => store.stop());

    it('keeps the contract of a service', () => checkServiceContract(() => create(week)));
    const suite = suiteOf(() => store);
    tasksConformance(suite);
    runsConformance(suite);
    leasesConformance(suite);
    attemptsConformance(suite);
    expiryConformance(suite);
    repliesConformance(suite);
    notificationsConformance(suite, create);
    schedulesConformance(suite);
    outputConformance(suite);
    limitsConformance(suite);
    randomConformance(suite);
    const startAnother = async (): Promise<Store> => {
      const another = create(week, 0);
      await another.start();
      return another;
    };
    const replace = async (lost: Store): Promise<Store> => {
      await lost.stop();
      return startAnother();
    };
    randomSchedulesConformance(startAnother, empty ?? replace);
    recordsConformance(suite, startAnother, empty ?? replace);
    describe('forgetting', () => forgettingConformance(create));

    it('gives the messages of a task time when it lost its records', async () => {
      const patient = create(week);
      await patient.start();
      const { task } = newTask({ tenant: 'patient', runs: 2, ...late() });
      expect(await patient.claimRun(claimOf(orderOf(task, 0)))).toMatchObject({ verdict: 'run' });
      expect(await patient.expireQueued('patient', 10)).toBe(0);
      expect(await patient.claimRun(claimOf(orderOf(task, 1)))).toMatchObject({ verdict: 'run' });
      await patient.stop();
    });

    it('refuses every call before it is started', async () => {
      const unstarted = create(week);
      expect(unstarted.health().ok).toBe(false);
      await expect(unstarted.acceptTask(newTask())).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
      await unstarted.stop();
    });
  });
}
