import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFirstKey } from '@moltbot/intake';
import {
  backoffMs,
  type Clock,
  type Config,
  hasCode,
  type Logger,
  matchesHash,
  parseApiKey,
  type Service,
} from '@moltbot/shared';
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
 * The file is there whole or not at all, and only once the key opens the door.
 */
export function createFirstKeyFile(deps: FirstKeyDeps): Service {
  const { config, store, clock, log, say } = deps;
  const stopped = new AbortController();
  let waiting: Promise<void> | undefined;

  const file = join(config.dataDir, 'api-key');
  const draft = `${file}.new`;
  const keep = async (key: string): Promise<void> => {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    await writeFile(draft, `${key}\n`, { mode: 0o600 });
  };

  const make = async (): Promise<void> => {
    const made = await createFirstKey('default', { tenants: config.tenants, store, now: clock.now, keep });
    const key = made ?? (await recordedKeyIn(draft, store));
    if (key === undefined || !(await hasRenamed(draft, file))) return;
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

/** Of a process that died, or lost the store's answer, after the key was recorded and before its file had its name. */
async function recordedKeyIn(draft: string, store: Pick<Store, 'getApiKey'>): Promise<string | undefined> {
  const text = (await readFile(draft, 'utf8').catch(ifMissing(''))).trim();
  const name = parseApiKey(text);
  const recorded = name && (await store.getApiKey(name.tenant, name.id));
  return recorded && matchesHash(text, recorded.hash) ? text : undefined;
}

/** False when another process with the same data directory has done it. */
const hasRenamed = (from: string, to: string): Promise<boolean> => rename(from, to).then(() => true, ifMissing(false));

const ifMissing =
  <T>(otherwise: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT') return otherwise;
    throw error;
  };

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
