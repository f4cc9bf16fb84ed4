import type { RunOrder } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import type { FakeCommand, FakeTransport } from './fake-transport.ts';
import type { Lab, Worker, WorkerOptions } from './lab.ts';

export const leaseMs = 10_000;
export const connectAtOnce = { onCommand: (command: FakeCommand): void => command.connect() };
export const guarded = { class: 'guarded' } as const;

/** A worker that gives up soon on a target that is out of reach. */
export const impatient = (lab: Lab, transport: FakeTransport, more: WorkerOptions = {}): Promise<Worker> =>
  lab.worker({ transports: [transport], leaseMs, patience: { reattachMs: 150 }, ...more });

/** A started run whose worker dies when `before` of its output is stored. */
export async function orphan(lab: Lab, host: FakeTransport, before: string): Promise<RunOrder> {
  const dying = await lab.worker({ transports: [host], leaseMs });
  const order = await lab.accept({ command: 'x', ...guarded });
  const command = await host.command('x');
  await lab.until(order, 'running');
  await eventually('its record', () => host.target.record(order.runId));
  await command.print(before);
  await eventually('its output', async () => (await lab.stdout(order)) === before);
  await dying.die();
  lab.clock.advance(leaseMs + 1);
  return order;
}
