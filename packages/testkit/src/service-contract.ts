import type { Service } from '@moltbot/shared';

/**
 * Holds a service to the contract of `Service`: stop before start, start, health, quiesce, stop, and stop again.
 * @param create gives a fresh service each time it is called
 */
export async function checkServiceContract(create: () => Service | Promise<Service>): Promise<void> {
  const unstarted = await create();
  await unstarted.stop();
  await unstarted.stop();

  const service = await create();
  if (service.name.length === 0) throw new Error('a service has a name');
  await service.start();
  if (typeof service.health().ok !== 'boolean') throw new Error(`${service.name}: health has no ok`);
  await service.quiesce(AbortSignal.timeout(5_000));
  await service.stop();
  await service.stop();

  const abrupt = await create();
  await abrupt.start();
  await abrupt.stop();
}
