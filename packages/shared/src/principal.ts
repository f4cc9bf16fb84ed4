import { z } from 'zod';

/** Who a request is made for, once the door knows. */
export interface Principal {
  readonly tenant: string;
  /** `key:<id>` for an API key; platforms add their own prefixes. */
  readonly id: string;
}

/** Tenant ids cross into queue names, keys and API keys: short, lower case, no separator of theirs. */
export const TenantId: z.ZodType<string, string> = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'a tenant id is 1 to 32 of a-z, 0-9 and -, not at its ends');

export const Principal: z.ZodType<Principal> = z.strictObject({ tenant: TenantId, id: z.string().min(1) });
