import { readFile } from 'node:fs/promises';
import type { Target } from '@moltbot/shared';

/** Shells that can make process groups by themselves come first: elsewhere each command costs one more program. */
const bestShell =
  'command -v bash >/dev/null 2>&1 && exec bash --norc --noprofile -s; for s in ksh93 ksh mksh; do command -v $s >/dev/null 2>&1 && exec $s -s; done; exec /bin/sh -s';

/**
 * The same in a scope of its own, and with it whoever supervises commands: logind ends a session with all that is in it. Where no
 * scope can be made the first start says why.
 */
const bestShellInScope =
  'u=$(id -u) s=; [ "$u" = 0 ] || { s=--user; [ -n "$XDG_RUNTIME_DIR" ] || export XDG_RUNTIME_DIR="/run/user/$u"; }; r="systemd-run $s --scope --quiet --collect"; timeout 2 $r true </dev/null >/dev/null 2>&1 && exec $r env MOLT_IN_SCOPE=1 /bin/sh -c "$1"; eval "$1"';

/** What starts a resident shell, as a command line any login shell takes, csh and fish too. */
export const residentCommand = ({ guard }: { readonly guard?: Target['guard'] } = {}): string =>
  guard === 'systemd' ? `exec /bin/sh -c '${bestShellInScope}' sh '${bestShell}'` : `exec /bin/sh -c '${bestShell}'`;

/** The program of the guard. */
export interface GuardProgram {
  /** All of it: what a resident shell is given first. */
  readonly resident: string;
  /** What is needed to end a run from elsewhere. */
  readonly record: string;
  /** What is needed to remove records, without a resident shell. */
  readonly tidy: string;
}

let read: Promise<GuardProgram> | undefined;

/** Reads the program once. */
export function guardProgram(): Promise<GuardProgram> {
  read ??= readProgram();
  return read;
}

async function readProgram(): Promise<GuardProgram> {
  const [record = '', tidy = '', ...rest] = await Promise.all(
    ['record.sh', 'tidy.sh', 'follow.sh', 'guard.sh'].map(readSource),
  );
  return { resident: [record, tidy, ...rest].join(''), record, tidy: `${record}${tidy}` };
}

async function readSource(name: string): Promise<string> {
  const text = await readFile(new URL(`./${name}`, import.meta.url), 'utf8');
  return text.replaceAll(/^[ \t]*(?:#.*)?\n/gm, '').replaceAll(/^[ \t]+/gm, '');
}
