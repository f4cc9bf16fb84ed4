import type { Service, ServiceHealth } from './service.ts';

/**
 * Several services as one: started in order, quiesced and stopped in the opposite order.
 * When one fails to start, those before it are stopped and its error is thrown.
 */
export function composeServices(name: string, services: readonly Service[]): Service {
  const started: Service[] = [];

  const stop = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let service = started.pop(); service; service = started.pop()) {
      await service.stop().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, `${name} did not stop cleanly`);
  };

  return {
    name,
    async start() {
      for (const service of services) {
        started.push(service);
        try {
          await service.start();
        } catch (error) {
          await stop().catch(() => {});
          throw error;
        }
      }
    },
    async quiesce(force) {
      for (const service of [...started].reverse()) await service.quiesce(force);
    },
    stop,
    health: () => healthOf(services),
  };
}

/** Ok when all are; else what each that is not says. */
export function healthOf(services: readonly Service[]): ServiceHealth {
  const ill = services.map((service) => ({ name: service.name, ...service.health() })).filter(({ ok }) => !ok);
  if (ill.length === 0) return { ok: true };
  return { ok: false, detail: ill.map(({ name, detail }) => `${name}: ${detail ?? 'not ready'}`).join('; ') };
}
