import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFirstKey } from '@moltbot/intake';
import { backoffMs, type Clock, type Config, hasCode, type Logger, type Service } from '@moltbot/shared';
import type { Store } from '@moltbot/store';

export interface FirstKeyDeps {
  readonly config: Pick<Config, 'tenants' | 'dataDir'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where people reach the gateway, known once it listens. */
  readonly url: () => string;
  readonly say: (line: string) => void;
}

/**
 * At the very first start: makes an API key for the tenant `default`, writes it to `<dataDir>/api-key` (mode 0600),
 * and says it once with a line to paste. Waits in the background for a store that is not there yet.
 */
export function createFirstKeyFile(deps: FirstKeyDeps): Service {
  const { config, store, clock, log, say } = deps;
  const stopped = new AbortController();
  let waiting: Promise<void> | undefined;

  const make = async (): Promise<void> => {
    const key = await createFirstKey('default', { tenants: config.tenants, store, now: clock.now });
    if (key === undefined) return;
    const file = join(config.dataDir, 'api-key');
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await writeFile(file, `${key}\n`, { mode: 0o600 });
    for (const line of welcome(key, file, deps.url())) say(line);
  };

  const makeWhenStoreIsUp = async (): Promise<void> => {
    for (let attempt = 1; !stopped.signal.aborted; attempt += 1) {
      try {
        return await make();
      } catch (err) {
        if (!hasCode(err, 'MOLT_STORE_DOWN')) throw err;
        await clock.sleep(backoffMs(attempt), stopped.signal).catch(() => {});
      }
    }
  };

  return {
    name: 'first-key',
    async start() {
      waiting = makeWhenStoreIsUp().catch((err: unknown) => log.error({ err }, 'the first API key could not be made'));
      if (store.health().ok) await waiting;
    },
    async quiesce() {},
    async stop() {
      stopped.abort();
      await waiting;
    },
    health: () => ({ ok: true }),
  };
}

const welcome = (key: string, file: string, url: string): readonly string[] => [
  '',
  `  Your API key, shown this once and kept in ${file}:`,
  `    ${key}`,
  '',
  '  Your first task:',
  `    curl -s '${url}/v1/tasks?wait=30s' -H 'Authorization: Bearer ${key}' -H 'content-type: application/json' \\`,
  `      -d '{"action":"shell.run","args":{"command":"uname -a"},"on":"local"}'`,
  '',
];
