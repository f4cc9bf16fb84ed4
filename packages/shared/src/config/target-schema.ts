import { z } from 'zod';
import { TenantId } from '../principal.ts';
import { Name } from '../target.ts';
import { defaults } from './defaults.ts';
import { host, oneOf, type Section, text, whole } from './words.ts';

export interface TargetDraft {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly transport: 'local' | 'ssh';
  readonly tenant: string;
  readonly pool: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly identity?: string | undefined;
  readonly hostKey?: string | undefined;
  readonly guard?: 'shell' | 'systemd' | 'off' | undefined;
}

const labels = z.record(
  Name,
  text(/^[^\s,!]{1,128}$/, 'text of 1 to 128 characters without space, comma and ! (quote numbers and booleans)'),
);

/** A target as it is written. What one transport alone has is checked in cross-checks.ts. */
export const target: Section<TargetDraft> = z.strictObject({
  name: Name.describe('Its name, unique in its tenant.'),
  labels: labels.describe('Words to select it by: `env: prod`.').default({}),
  transport: oneOf(['ssh', 'local'])
    .describe("`ssh`, or `local`: the executor's own host.")
    .default(defaults.target.transport),
  tenant: TenantId.describe('The tenant it belongs to.').default(defaults.tenant),
  pool: Name.describe('The pool of executors that can reach it.').default(defaults.target.pool),
  host: host.describe('ssh: name or address.').optional(),
  port: whole(1, 65_535).describe(`ssh: port. Default: ${defaults.target.port}.`).optional(),
  user: text(/^[^\s@:/-][^\s@:/]*$/, 'a user name')
    .describe('ssh: user to log in as.')
    .optional(),
  identity: Name.describe(`ssh: a name under ssh.identities. Default: \`${defaults.target.identity}\`.`).optional(),
  guard: oneOf(['shell', 'systemd', 'off'])
    .describe(
      'How the target keeps a record of commands: `shell` (default), `systemd` (the same, in scopes that outlive the login session), or `off`: then they are at-most-once.',
    )
    .optional(),
  hostKey: text(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint as ssh-keygen -l prints it: SHA256: and 43 characters')
    .describe('ssh: fingerprint `SHA256:…` that pins the host key instead of known_hosts.')
    .optional(),
});
