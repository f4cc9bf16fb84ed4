import type { Config } from './config/config.ts';
import { MoltError } from './errors.ts';
import type { Secret } from './secret.ts';

/**
 * The addresses of broker and store, for a process that shares them with others.
 * @throws MOLT_BAD_CONFIG when either is embedded: an embedded one lives inside one process
 */
export function requireDistributed({ bus, store }: Pick<Config, 'bus' | 'store'>): {
  readonly bus: Secret;
  readonly store: Secret;
} {
  if (bus.kind === 'amqp' && store.kind === 'redis') return { bus: bus.url, store: store.url };
  throw new MoltError(
    'MOLT_BAD_CONFIG',
    'a service of its own needs a broker and a store that it shares with the others',
    {
      remedy: 'Set bus.url (amqp://…) and store.url (redis://…), or run everything in one process with npm start.',
    },
  );
}
