import { BlockList, isIP } from 'node:net';
import { type ErrorCode, MoltError } from '@moltbot/shared';
import type { AddressGuard } from './guarded-lookup.ts';

/** What may be called though it is not public. */
export interface AllowedHosts {
  /** Host names, addresses and CIDR blocks. */
  readonly allow: readonly string[];
  /** Where they are listed, for messages: `callbacks.allow`. */
  readonly setting: string;
}

/** IPv4 that is not for everyone: this network, private, shared (CGNAT), loopback, link-local, documentation, tests, multicast, reserved. */
const specialV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
];

/** All other IPv6 is loopback, mapped IPv4, translated IPv4, private (ULA), link-local, multicast or not given out. */
const globalV6 = ['2000::/3'];

/** Within it: protocol assignments (Teredo among them), documentation, 6to4, which hides an IPv4 address. */
const specialV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

/** What is wrong with a URL that shall be called, as far as its text tells: names are looked up when it is called. Undefined when nothing is. */
export function whyNotCallable(url: string, { allow, setting }: AllowedHosts): string | undefined {
  const parsed = URL.parse(url);
  if (!parsed) return 'is no URL';
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return 'must begin with http:// or https://';
  if (parsed.username !== '' || parsed.password !== '') return 'must hold no user name and no password';
  const host = bareHost(parsed.hostname);
  const inside = isIP(host) > 0 ? !isAddressAllowed(host, host, allow) : isOfThisHost(host, allow);
  return inside ? `leads to ${host}, which is not public and not in ${setting}` : undefined;
}

/**
 * Whether a connection may go to this address.
 * @param address what `host` was looked up to, or `host` itself when it is an address
 * @param host of the URL: its `hostname`
 * @param allow host names, addresses and CIDR blocks that may be called though they are not public
 */
export function isAddressAllowed(address: string, host: string, allow: readonly string[]): boolean {
  return isListedName(host, allow) || contains(allow, address) || isPublic(address);
}

/** A guard of connections; what it refuses has this code, and tells nothing of what is inside. */
export const guardOf = ({ allow, setting }: AllowedHosts, code: ErrorCode): AddressGuard => ({
  isAllowed: (address, host) => isAddressAllowed(address, host, allow),
  refusal: (host) => new MoltError(code, `${host} leads to no address that is public or in ${setting}`),
});

function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !contains(specialV4, address);
  return contains(globalV6, address) && !contains(specialV6, address);
}

/** Names that lead to this host by definition (RFC 6761), whatever a resolver says. */
const isOfThisHost = (host: string, allow: readonly string[]): boolean =>
  (host === '' || /(?:^|\.)localhost$/.test(host)) && !isListedName(host, allow);

const isListedName = (host: string, allow: readonly string[]): boolean =>
  allow.some((entry) => isIP(bareHost(entry)) === 0 && bareHost(entry) === bareHost(host));

/** Lower case, without the brackets of IPv6 and the dot that ends a full name. */
const bareHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');

/** @param blocks addresses and CIDR blocks; what is neither is passed over */
function contains(blocks: readonly string[], address: string): boolean {
  const family = familyOf(address);
  if (!family) return false;
  const list = new BlockList();
  for (const block of blocks) {
    const [base = '', prefix] = block.split('/');
    const type = familyOf(base);
    if (type) list.addSubnet(base, Math.min(Number(prefix ?? bitsOf[type]), bitsOf[type]), type);
  }
  return list.check(address, family);
}

const bitsOf = { ipv4: 32, ipv6: 128 } as const;

/** Undefined for names, and for an address with a zone (`fe80::1%eth0`), which is never public. */
function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (address.includes('%')) return undefined;
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? 'ipv4' : 'ipv6';
}
