import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Logger, MoltError, type SshConfig, type SshTarget } from '@moltbot/shared';
import {
  fingerprintOf,
  isAbout,
  type KnownHostsEntry,
  knownHostsName,
  parseKnownHosts,
  standingOf,
  typeOfKey,
} from './known-hosts.ts';

/** How the keys of one target are to be checked in one handshake. */
export interface HostKeyCheck {
  /** Types on file: the only ones to negotiate, so that a key of another type is not taken for a changed one. Empty: any. */
  readonly keyTypes: readonly string[];
  /**
   * Resolves when the key may be trusted.
   * @throws MOLT_SSH_HOST_KEY_UNKNOWN; MOLT_SSH_HOST_KEY_CHANGED, also for a revoked key and one that is not the pinned one
   */
  verify(key: Buffer): Promise<void>;
}

export interface HostKeys {
  /** @throws MOLT_BAD_CONFIG when the known_hosts file is there and cannot be read. */
  checkFor(target: SshTarget): Promise<HostKeyCheck>;
  /** Differs whenever the file does: a refusal is stale when it changed. */
  version(): Promise<string>;
}

/**
 * Host keys by a known_hosts file, which is read again when it changed on disk, or by a fingerprint pinned on the target.
 * `accept-new` appends the key of a host that is not on file.
 */
export function createHostKeys(deps: {
  readonly ssh: Pick<SshConfig, 'knownHosts' | 'hostKeys'>;
  readonly log: Logger;
}): HostKeys {
  const { ssh, log } = deps;
  const file = createKnownHostsFile(ssh.knownHosts);
  let authorityReported = false;

  const reportAuthority = (entries: readonly KnownHostsEntry[]): void => {
    if (authorityReported || !entries.some(({ marker }) => marker === 'cert-authority')) return;
    authorityReported = true;
    log.warn(
      { file: ssh.knownHosts },
      'the @cert-authority lines of known_hosts are not used: host certificates are not supported',
    );
  };

  return {
    version: file.version,
    async checkFor(target) {
      if (target.hostKey !== undefined) return pinned(target, log);
      const name = knownHostsName(target.host, target.port);
      const entries = await file.read();
      reportAuthority(entries);
      const mine = entries.filter((entry) => entry.marker === undefined && isAbout(entry, name));
      return {
        keyTypes: [...new Set(mine.map(({ keyType }) => keyType))],
        async verify(key) {
          const standing = standingOf(entries, name, key);
          if (standing === 'known') return;
          if (standing !== 'unknown') throw refuseHard(target, { key, log, why: whyHard[standing] });
          if (ssh.hostKeys === 'strict') throw unknownKey({ target, name, key, file: ssh.knownHosts });
          await learn({ target, name, key, file, log });
        },
      };
    },
  };
}

const whyHard = { changed: 'is not the one on file', revoked: 'is marked @revoked' } as const;

function pinned(target: SshTarget, log: Logger): HostKeyCheck {
  return {
    keyTypes: [],
    async verify(key) {
      if (fingerprintOf(key) === target.hostKey) return;
      throw refuseHard(target, { key, log, why: `is not the pinned ${target.hostKey}` });
    },
  };
}

function refuseHard(
  target: SshTarget,
  { key, log, why }: { readonly key: Buffer; readonly log: Logger; readonly why: string },
): MoltError {
  const { name, host, port } = target;
  const fingerprint = fingerprintOf(key);
  log.error({ target: name, host, port, fingerprint, keyType: typeOfKey(key) }, `the host key ${why}: refused`);
  const message = `${host}:${port} shows the ${typeOfKey(key)} key ${fingerprint}, which ${why}`;
  return new MoltError('MOLT_SSH_HOST_KEY_CHANGED', message, { details: { fingerprint } });
}

interface NewKey {
  readonly target: SshTarget;
  readonly name: string;
  readonly key: Buffer;
}

const lineFor = ({ name, key }: NewKey): string => `${name} ${typeOfKey(key)} ${key.toString('base64')}`;

function unknownKey(found: NewKey & { readonly file: string }): MoltError {
  const { target, key, file } = found;
  const fingerprint = fingerprintOf(key);
  const line = lineFor(found);
  const message = `${target.host}:${target.port} shows the ${typeOfKey(key)} key ${fingerprint}, and no key is on file for it`;
  return new MoltError('MOLT_SSH_HOST_KEY_UNKNOWN', message, {
    details: { fingerprint, line },
    remedy: `Compare the fingerprint with the host (ssh-keygen -lf on its /etc/ssh/*_key.pub). If it is the same, add this line to ${file}: ${line}`,
  });
}

async function learn(found: NewKey & { readonly file: KnownHostsFile; readonly log: Logger }): Promise<void> {
  const { target, name, key, file, log } = found;
  const standing = await file.append(lineFor(found), (entries) => standingOf(entries, name, key));
  if (standing === 'known') return;
  // Somebody else put another key on file since this handshake began.
  if (standing !== 'unknown') throw refuseHard(target, { key, log, why: whyHard[standing] });
  const { host, port } = target;
  const fingerprint = fingerprintOf(key);
  log.warn(
    { target: target.name, host, port, fingerprint, file: file.path },
    'a new host key was accepted and put on file',
  );
}

interface KnownHostsFile {
  readonly path: string;
  read(): Promise<readonly KnownHostsEntry[]>;
  version(): Promise<string>;
  /** Appends when `standing` of the file as it is now is `unknown`, one append at a time; gives that standing. */
  append<S extends string>(line: string, standing: (entries: readonly KnownHostsEntry[]) => S): Promise<S>;
}

function createKnownHostsFile(path: string): KnownHostsFile {
  let cached: { readonly version: string; readonly entries: readonly KnownHostsEntry[] } | undefined;
  let appending: Promise<unknown> = Promise.resolve();

  const version = async (): Promise<string> => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    return found ? `${found.ino}.${found.size}.${found.mtimeNs}` : 'missing';
  };
  const read = async (): Promise<readonly KnownHostsEntry[]> => {
    const now = await version();
    if (cached?.version === now) return cached.entries;
    const entries = parseKnownHosts(await readText(path));
    cached = { version: now, entries };
    return entries;
  };
  return {
    path,
    read,
    version,
    append(line, standing) {
      const step = appending.then(async () => {
        const now = standing(await read());
        if (now === 'unknown') await appendLine(path, line);
        return now;
      });
      appending = step.catch(() => {});
      return step;
    },
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new MoltError('MOLT_BAD_CONFIG', `the known_hosts file ${path} cannot be read`, { cause });
  }
}

async function appendLine(path: string, line: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const text = await readText(path);
    const lead = text === '' || text.endsWith('\n') ? '' : '\n';
    const file = await open(path, 'a', 0o600);
    try {
      // One write in append mode: another process that appends cannot tear the line.
      await file.write(`${lead}${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new MoltError('MOLT_SSH_HOST_KEY_UNKNOWN', `the new host key cannot be put into ${path}`, { cause });
  }
}
