import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** One usable line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownHostsEntry {
  /** 1-based. */
  readonly line: number;
  readonly marker: 'revoked' | 'cert-authority' | undefined;
  /** The first field: patterns, or one hashed name. */
  readonly hosts: string;
  /** `ssh-ed25519`, `ssh-rsa`, … */
  readonly keyType: string;
  readonly key: Buffer;
}

/** What the file says of a key a host shows. `changed`: other keys are on file for the host, and this one is not. */
export type KeyStanding = 'known' | 'unknown' | 'changed' | 'revoked';

const markers: Readonly<Record<string, KnownHostsEntry['marker']>> = {
  '@revoked': 'revoked',
  '@cert-authority': 'cert-authority',
};

/** Reads a known_hosts file. Lines that are comments, broken or of unknown kinds are left out, as ssh(1) does. */
export function parseKnownHosts(text: string): readonly KnownHostsEntry[] {
  return text.split(/\r?\n/).flatMap((content, index) => parseLine(content, index + 1) ?? []);
}

function parseLine(content: string, line: number): KnownHostsEntry | undefined {
  const words = content.split(/[ \t]+/).filter((word) => word.length > 0);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  if (marker !== undefined && markers[marker] === undefined) return undefined;
  const [hosts, keyType, base64] = words;
  if (hosts === undefined || hosts.startsWith('#') || keyType === undefined || base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  if (typeOfKey(key) !== keyType) return undefined;
  return { line, marker: marker === undefined ? undefined : markers[marker], hosts, keyType, key };
}

/** The name a host has in the file: `host`, or `[host]:port` when the port is not 22. Lower case. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** Is the entry about the host of this name (as `knownHostsName` gives it)? */
export function isAbout(entry: KnownHostsEntry, name: string): boolean {
  return entry.hosts.startsWith('|') ? isHashOf(entry.hosts, name) : matchesPatterns(entry.hosts, name);
}

/** `|1|<salt>|<HMAC-SHA1 of the name under the salt>`, both base64. */
function isHashOf(field: string, name: string): boolean {
  const [, version, salt, mac] = field.split('|');
  if (version !== '1' || salt === undefined || mac === undefined) return false;
  const want = Buffer.from(mac, 'base64');
  const got = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return got.length === want.length && timingSafeEqual(got, want);
}

/** A pattern with `!` in front takes the host out of the line, wherever it stands. */
function matchesPatterns(field: string, name: string): boolean {
  const patterns = field.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && matchesGlob(pattern.slice(1), name))) return false;
  return patterns.some((pattern) => matchesGlob(pattern, name));
}

/** `*` and `?` alone are special. Linear in both lengths but for one back-track, so no pattern is slow. */
function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let t = 0; t < text.length; ) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(p));
}

/** What the file says of `key` when the host of this name shows it. */
export function standingOf(entries: readonly KnownHostsEntry[], name: string, key: Buffer): KeyStanding {
  const about = entries.filter((entry) => isAbout(entry, name));
  if (about.some(({ marker, key: revoked }) => marker === 'revoked' && revoked.equals(key))) return 'revoked';
  const plain = about.filter(({ marker }) => marker === undefined);
  if (plain.some((entry) => entry.key.equals(key))) return 'known';
  return plain.length > 0 ? 'changed' : 'unknown';
}

/** The type in a key's wire form: its first string (RFC 4253 §6.6). Empty when there is none. */
export function typeOfKey(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 64 ? '' : key.subarray(4, 4 + length).toString('latin1');
}

/** `SHA256:…`, as ssh-keygen -l prints it. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
