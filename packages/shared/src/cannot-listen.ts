import { MoltError } from './errors.ts';

export interface ListenAddress {
  /** Its section of the configuration: `gateway`, `executor.ops`. */
  readonly section: string;
  readonly host: string;
  readonly port: number;
}

/** What the operating system says when an address cannot be had, for a person; any other error as it is. */
export function cannotListen(error: unknown, { section, host, port }: ListenAddress): unknown {
  const variable = `MOLTBOT_${section.replaceAll('.', '_').toUpperCase()}`;
  const anotherPort = `Set ${section}.port (${variable}_PORT) to another one; 0 picks a free one.`;
  const ownHost = `Set ${section}.host (${variable}_HOST) to an address of this host; 127.0.0.1 always is one.`;
  const failures: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
    EADDRINUSE: ['another process listens there', `Stop that process, or do this: ${anotherPort}`],
    EACCES: ['this user may not use the port', anotherPort],
    EADDRNOTAVAIL: ['this host has no such address', ownHost],
    ENOTFOUND: ['the name cannot be resolved', ownHost],
  };
  const known = failures[error instanceof Error && 'code' in error ? String(error.code) : ''];
  if (!known) return error;
  const [why, remedy] = known;
  const message = `${section} cannot listen on ${host}, port ${port}: ${why}`;
  return new MoltError('MOLT_BAD_CONFIG', message, { remedy, cause: error });
}
