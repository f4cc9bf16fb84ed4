import type { QueueRef } from '@moltbot/bus';
import {
  type Envelope,
  envelope,
  type Logger,
  newId,
  type Reply,
  type RunOrder,
  type RunRecord,
  replyIdOf,
  silentLogger,
} from '@moltbot/shared';
import type { Claim, DeadLetter } from '@moltbot/store';
import { expect, onTestFinished } from 'vitest';
import { createDeadLetters, type DeadLetterDeps, type DeadLetters, type Intake } from '../src/index.ts';
import { alice, callback, type Lab, openLab, queuedOrders, soon, submission } from './lab.ts';

export const replies: QueueRef = { kind: 'replies', platform: 'http' };

export interface DeadLab extends Lab {
  readonly door: Lab['door'];
  readonly intake: Intake;
  /** A keeper and a desk, not started. */
  create(deps?: Partial<DeadLetterDeps>): DeadLetters;
  /** Started, until the test ends. */
  keeper(deps?: Partial<DeadLetterDeps>): Promise<DeadLetters>;
  /** A task that was accepted: its run waits in the queue. */
  waiting(): Promise<RunOrder>;
  /** Has everything in a queue die: of `delivery_limit`, or of what is said. Returns how to end it. */
  kill(queue: QueueRef, reason: string): Promise<() => Promise<void>>;
  /** The run is claimed by a worker, and started when that is asked for. */
  claim(order: RunOrder, claim?: { readonly leaseMs?: number; readonly start?: boolean }): Promise<Claim>;
  run(order: RunOrder): Promise<RunRecord>;
  /** The letter with that id, when it is kept. */
  kept(id: string): Promise<DeadLetter>;
  /** Resolves when nothing is left in the dead queue. */
  settled(): Promise<void>;
  /** What was logged, by message. */
  readonly logged: readonly { readonly message: string; readonly fields: object }[];
}

export async function openDeadLab(): Promise<DeadLab> {
  const lab = await openLab();
  const { store, bus, clock } = lab;
  const intake = await lab.door();
  const logged: { message: string; fields: object }[] = [];
  const log: Logger = {
    ...silentLogger,
    ...{ debug: () => {}, child: () => log },
    ...Object.fromEntries(
      ['info', 'warn', 'error'].map((level) => [
        level,
        (fields: object, message: string) => void logged.push({ message, fields }),
      ]),
    ),
  };
  await bus.declare(replies);
  const create: DeadLab['create'] = (deps = {}) =>
    createDeadLetters({ bus, store, tenants: ['acme', 'other'], rerun: intake.rerun, clock, log, ...deps });
  return {
    ...lab,
    ...{ intake, create, logged },
    async keeper(deps) {
      const letters = create(deps);
      await letters.start();
      onTestFinished(() => letters.stop());
      return letters;
    },
    async waiting() {
      const origin = { kind: 'http', requestId: 'r-1', callback } as const;
      const { taskId } = await intake.submit(submission({ origin }));
      const order = (await queuedOrders(lab)).find(({ task }) => task.id === taskId);
      if (!order) throw new Error('the run is not in the queue');
      return order;
    },
    async kill(queue, reason) {
      const subscription = await bus.consume(queue, { prefetch: 10 }, async (delivery) => {
        await (reason === 'delivery_limit' ? delivery.requeue() : delivery.dead(reason));
      });
      return () => subscription.cancel();
    },
    claim: (order, { leaseMs = 10_000, start = false } = {}) =>
      store.claimRun({ order, worker: 'w', leaseMs, redelivered: false, publishedAt: 0, start, claimId: newId() }),
    async run({ runId, task }) {
      const run = (await store.getRuns('acme', task.id)).find(({ id }) => id === runId);
      if (!run) throw new Error(`there is no run ${runId}`);
      return run;
    },
    async kept(id) {
      await expect.poll(() => store.getDeadLetter('acme', id), soon).toBeDefined();
      const letter = await store.getDeadLetter('acme', id);
      if (!letter) throw new Error(`there is no letter ${id}`);
      return letter;
    },
    settled: () => expect.poll(() => store.journal.count('dead'), soon).toBe(0),
  };
}

/** The end of a task that was tried before. */
export function replyOf({ task }: RunOrder, tries = 7): Envelope<'reply'> {
  const body: Reply = { task, state: 'succeeded', counts: { succeeded: 1 }, finishedAt: 1, tries };
  return envelope('reply', { tenant: alice.tenant, trace: 't', id: replyIdOf(task.id), body });
}
