import { createHash, randomInt } from 'node:crypto';
import { MoltError } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { z } from 'zod';

/** Codes by which a platform user shows who they are: each once, for some minutes. */
export interface LinkCodes {
  /** @param name whom the code makes of who sends it: 1 to 64 of A-Z, a-z, 0-9, `.`, `_`, `-`, `@` @param by principal who asks for it */
  make(tenant: string, name: string, by: string): Promise<{ readonly code: string; readonly expiresAt: number }>;
  /** The name it stands for; the same event may be given again. @throws MOLT_CHAT_CODE when it is wrong, was used or is too old, MOLT_STORE_DOWN */
  take(
    tenant: string,
    code: string,
    by: { readonly actor: string; readonly event: string },
  ): Promise<{ readonly name: string }>;
}

interface LinkCodesDeps {
  readonly store: Pick<Store, 'getRecord' | 'putRecord' | 'takeToken'>;
  now(): number;
}

/** Kind of the records; their ids are hashes: who reads the store cannot use them. */
const kind = 'chat.codes';
const keepMs = 15 * 60_000;
/** Without letters and digits that look alike. 10 of them are 49 bits. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
const length = 10;
/** Of one platform user. */
const tries = { perSecond: 1 / 30, burst: 5 } as const;

export const LinkName: z.ZodType<string> = z
  .string()
  .regex(/^[\w.@-]{1,64}$/, 'write 1 to 64 of A-Z, a-z, 0-9, ".", "_", "-" and "@"');

const CodeRecord = z.object({ name: LinkName, by: z.string(), usedBy: z.string().optional() });

const idOf = (code: string): string => createHash('sha256').update(code.toLowerCase()).digest('base64url');

export function createLinkCodes({ store, now }: LinkCodesDeps): LinkCodes {
  return {
    async make(tenant, name, by) {
      const code = Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
      const value = JSON.stringify({ name: LinkName.parse(name), by });
      await store.putRecord({ tenant, kind, id: idOf(code) }, value, { keepMs });
      return { code, expiresAt: now() + keepMs };
    },
    async take(tenant, code, { actor, event }) {
      const wrong = new MoltError('MOLT_CHAT_CODE', 'the code is wrong, was used before, or is older than 15 minutes');
      const { allowed } = await store.takeToken({ tenant, bucket: `chat.link:${actor}`, ...tries });
      if (!allowed) throw wrong;
      const record = await store.getRecord({ tenant, kind, id: idOf(code) });
      if (!record) throw wrong;
      const known = CodeRecord.parse(JSON.parse(record.value));
      const usedBy = `${actor} ${event}`;
      if (known.usedBy === usedBy) return known;
      const used = JSON.stringify({ ...known, usedBy });
      const write = { version: record.version, keepMs };
      if (known.usedBy !== undefined || !(await store.putRecord({ tenant, kind, id: idOf(code) }, used, write)))
        throw wrong;
      return known;
    },
  };
}
