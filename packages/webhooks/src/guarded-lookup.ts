import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';

export interface AddressGuard {
  /** Whether a connection may go to `address`, which `host` was looked up to. */
  readonly isAllowed: (address: string, host: string) => boolean;
  /** What a connection fails with when no address of `host` is allowed. */
  readonly refusal: (host: string) => Error;
}

type ResolveAll = (
  host: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A `lookup` for node:net that answers with the allowed addresses alone. What was checked is what is connected to: a name that
 * leads elsewhere a moment later (DNS rebinding) finds no gap. It fails with the guard's refusal when no address is allowed.
 */
export function guardLookup({ isAllowed, refusal }: AddressGuard, resolveAll: ResolveAll = lookup): LookupFunction {
  return (host, options, callback) => {
    resolveAll(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const allowed = addresses.filter(({ address }) => isAllowed(address, host));
      const [first] = allowed;
      if (!first) return callback(refusal(host), []);
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** An address in the URL itself is never looked up. @throws the guard's refusal when it is not allowed */
export function assertLiteralAllowed({ hostname }: URL, { isAllowed, refusal }: AddressGuard): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) > 0 && !isAllowed(host, host)) throw refusal(host);
}
