import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFirstKey } from '@moltbot/intake';
import {
  backoffMs,
  type Clock,
  type Config,
  hasCode,
  type Logger,
  matchesHash,
  newId,
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

/** Another door makes the key: it takes a moment, unless it died. */
const lookAgainMs = 500;

/**
 * At the very first start: makes an API key for the tenant `default`, writes it to `<dataDir>/api-key` (mode 0600),
 * and says it once with a line to paste. Waits in the background for a store that is not there yet, and for a door that died as it
 * made the key. The file is there whole or not at all, and only once the key opens the door.
 */
export function createFirstKeyFile(deps: FirstKeyDeps): Service {
  const { store, clock, log } = deps;
  const stopped = new AbortController();
  const owner = newId();
  let making: Promise<void> | undefined;

  const make = async (onTried: () => void): Promise<void> => {
    for (let attempt = 1; !stopped.signal.aborted; attempt += 1) {
      const waitMs = await tryOnce(owner, deps).catch((error: unknown) => {
        if (hasCode(error, 'MOLT_STORE_DOWN')) return backoffMs(attempt);
        throw error;
      });
      onTried();
      if (waitMs === undefined) return;
      await clock.sleep(waitMs, stopped.signal).catch(() => {});
    }
  };

  return {
    name: 'first-key',
    async start() {
      const tried = new Promise<void>((resolve) => {
        making = make(resolve)
          .catch((err: unknown) => log.error({ err }, 'the first API key could not be made'))
          .finally(resolve);
      });
      if (store.health().ok) await tried;
    },
    async quiesce() {},
    async stop() {
      stopped.abort();
      await making;
    },
    health: () => ({ ok: true }),
  };
}

/** @returns undefined when nothing is left to do, else when to try again, ms */
async function tryOnce(owner: string, { config, store, clock, url, say }: FirstKeyDeps): Promise<number | undefined> {
  const file = join(config.dataDir, 'api-key');
  const draft = `${file}.new`;
  const keep = async (key: string): Promise<void> => {
    await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    // Its mode is that of its making.
    await rm(draft, { force: true });
    await writeFile(draft, `${key}\n`, { mode: 0o600, flush: true });
  };
  const outcome = await createFirstKey('default', { tenants: config.tenants, store, now: clock.now, owner, keep });
  if (outcome.kind === 'unwanted') return undefined;
  if (outcome.kind === 'busy') return Math.min(outcome.retryAfterMs, lookAgainMs);
  const key = outcome.kind === 'made' ? outcome.text : await recordedKeyIn(draft, store);
  if (key === undefined || !(await hasRenamed(draft, file))) return undefined;
  for (const line of welcome(key, file, url())) say(line);
  return undefined;
}

/** Of a process that died, or lost the store's answer, after the key was recorded and before its file had its name. */
async function recordedKeyIn(draft: string, store: Pick<Store, 'getApiKey'>): Promise<string | undefined> {
  const text = (await readFile(draft, 'utf8').catch(() => '')).trim();
  const name = parseApiKey(text);
  const recorded = name && (await store.getApiKey(name.tenant, name.id));
  return recorded && matchesHash(text, recorded.hash) ? text : undefined;
}

/** False when another process with the same data directory has done it. */
async function hasRenamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
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
