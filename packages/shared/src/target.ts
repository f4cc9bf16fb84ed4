import { z } from 'zod';

/** Something commands run on, as it travels in a message: addresses and names, never a secret. */
export type Target = LocalTarget | SshTarget;

interface TargetBase {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The group of executors that can reach it. */
  readonly pool: string;
  /**
   * How commands are kept on the target: `shell` (default), `systemd` for the same in scopes that outlive the login session, or
   * `off` where no record can be kept: then they are at-most-once.
   */
  readonly guard?: 'shell' | 'systemd' | 'off' | undefined;
}

/** The executor's own host. */
export interface LocalTarget extends TargetBase {
  readonly transport: 'local';
}

export interface SshTarget extends TargetBase {
  readonly transport: 'ssh';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** A name under `ssh.identities` of the executor's configuration. */
  readonly identity: string;
  /** `SHA256:…` as ssh-keygen -l prints it; pins the host key instead of known_hosts. */
  readonly hostKey?: string | undefined;
}

const name = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/, 'a name is 1 to 128 of A-Z a-z 0-9 . _ -');
const base = {
  name,
  labels: z.record(z.string(), z.string()),
  pool: z.string(),
  guard: z.enum(['shell', 'systemd', 'off']).optional(),
};

export const Target: z.ZodType<Target> = z.discriminatedUnion('transport', [
  z.strictObject({ ...base, transport: z.literal('local') }),
  z.strictObject({
    ...base,
    transport: z.literal('ssh'),
    host: z.string().min(1),
    port: z.int().min(1).max(65_535),
    user: z.string().min(1),
    identity: z.string().min(1),
    hostKey: z.string().optional(),
  }),
]);

/** The names of targets, pools, plugins: what every one of them must look like. */
export const Name: z.ZodType<string, string> = name;
