import type { Bus, Delivery } from '@moltbot/bus';
import { publishReply } from '@moltbot/intake';
import { isFinal, isKind, newId, type RunOrder, systemClock } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

interface LabExecutor {
  /** Once a run. */
  readonly ran: readonly { readonly command: string; readonly taskId: string; readonly principal: string }[];
  release(): void;
}

/** Runs `echo …` by saying it, `hold` until it is released, and all else by failing. What has run is known by its run id, as on a target. */
export async function startExecutor(bus: Bus, store: Store, tenants: readonly string[]): Promise<LabExecutor> {
  const ran: { command: string; taskId: string; principal: string }[] = [];
  const known = new Set<string>();
  let released = Promise.withResolvers<void>();
  const whileDown = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch {
        await systemClock.sleep(5);
      }
    }
  };
  const execute = async (order: RunOrder): Promise<void> => {
    const { task, runId } = order;
    const { tenant } = task.principal;
    const args = task.args as { command?: string };
    const command = args.command ?? task.action;
    const claimId = newId();
    const claimed = await whileDown(() =>
      store.claimRun({
        ...{ order, worker: 'w', leaseMs: 600_000, redelivered: false, publishedAt: 0, start: true, claimId },
      }),
    );
    if (!('token' in claimed)) return;
    const { token } = claimed;
    if (!known.has(runId)) ran.push({ command, taskId: task.id, principal: task.principal.id });
    known.add(runId);
    const isHeld = command.startsWith('hold');
    if (isHeld) await released.promise;
    const said = command.startsWith('echo ')
      ? [{ stream: 'stdout' as const, data: Buffer.from(command.slice(5)) }]
      : [];
    const state = said.length > 0 || isHeld ? 'succeeded' : 'failed';
    await whileDown(() =>
      store.finishRun(token, { state, exitCode: state === 'failed' ? 1 : 0 }, { at: 0, chunks: said }),
    );
    const record = await whileDown(() => store.getTask(tenant, task.id));
    if (record && isFinal(record.state)) await publishReply(bus, record);
    if (record && isFinal(record.state)) await whileDown(() => store.markAnswered(tenant, [task.id]));
  };
  const take = async (delivery: Delivery): Promise<void> => {
    if (isKind(delivery.message, 'run')) await execute(delivery.message.body);
    await delivery.ack();
  };
  for (const tenant of tenants) {
    await bus.consume({ kind: 'runs', pool: 'default', tenant, priority: 'interactive' }, { prefetch: 50 }, take);
  }
  const release = (): void => {
    released.resolve();
    released = Promise.withResolvers();
  };
  return { ran, release };
}
