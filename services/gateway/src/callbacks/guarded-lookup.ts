import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { MoltError } from '@moltbot/shared';

/** Whether a connection may go to `address`, which `host` was looked up to. */
export type AddressRule = (address: string, host: string) => boolean;

type ResolveAll = (
  host: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A `lookup` for node:net that answers with the allowed addresses alone. What was checked is what is connected to: a name that
 * leads elsewhere a moment later (DNS rebinding) finds no gap. It fails with MOLT_BAD_CALLBACK when no address is allowed.
 */
export function guardLookup(isAllowed: AddressRule, resolveAll: ResolveAll = lookup): LookupFunction {
  return (host, options, callback) => {
    resolveAll(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const allowed = addresses.filter(({ address }) => isAllowed(address, host));
      const [first] = allowed;
      if (!first) return callback(leadsInside(host), []);
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** An address in the URL itself is never looked up. @throws MOLT_BAD_CALLBACK when it is not allowed */
export function assertLiteralAllowed({ hostname }: URL, isAllowed: AddressRule): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) > 0 && !isAllowed(host, host)) throw leadsInside(host);
}

/** Tells nothing of what is inside. */
const leadsInside = (host: string): MoltError =>
  new MoltError('MOLT_BAD_CALLBACK', `${host} leads to no address that is public or in callbacks.allow`);
