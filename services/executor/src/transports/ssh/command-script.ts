import { randomBytes } from 'node:crypto';
import type { ExecSpec } from '@moltbot/plugin-sdk';
import { checkScript, exportLines, quote } from '../shell-words.ts';

/** What is sent to the login shell, and the secret that its first line of ours will bear. */
export interface CommandScript {
  readonly text: string;
  readonly nonce: string;
}

/** The exit code of a script whose directory cannot be entered; the marker says so too. */
const cannotEnter = 72;

/**
 * The script for one command: environment, directory, a marker line on stdout, then the command as it is. All before the
 * command are builtins of the login shell, so nothing but that shell is started on the target.
 * The marker names the process group: sshd makes every session one of its own, led by the login shell.
 * The login shell must be a POSIX one (sh, bash, dash, ksh, zsh, busybox); csh, fish and Windows shells are not served.
 * The whole text can be seen by other users of the target with ps(1): secrets travel by stdin.
 * @throws MOLT_BAD_ARGUMENTS when no shell could take it
 */
export function commandScript(spec: ExecSpec): CommandScript {
  const nonce = randomBytes(16).toString('hex');
  const marker = `printf '\\036MOLT %s %s\\n' ${nonce} "$$"`;
  // An empty CDPATH keeps cd from looking, and printing, elsewhere.
  const enter =
    spec.cwd === undefined
      ? []
      : [`CDPATH= cd -- ${quote(spec.cwd)} || { printf '\\036MOLT %s cwd\\n' ${nonce}; exit ${cannotEnter}; }`];
  // Redirected there, and not ended from here: that would be one more packet for the host to wake up for.
  const silence = spec.stdin === undefined ? ['exec </dev/null'] : [];
  const lines = [...exportLines(spec.env), ...enter, ...silence, marker, spec.command];
  return { text: checkScript(lines.join('\n')), nonce };
}

/** What was found where the marker should be. */
export type Marker =
  | { readonly kind: 'started'; readonly group: number }
  | { readonly kind: 'no-directory' }
  | { readonly kind: 'unreadable' };

/** Groups 0 and 1 mean others than one's own to kill(1), so they are not believed. */
function readMarker(word: string): Marker {
  if (word === 'cwd') return { kind: 'no-directory' };
  const group = Number(word);
  return Number.isSafeInteger(group) && group > 1 ? { kind: 'started', group } : { kind: 'unreadable' };
}

/** Cuts the marker line, and what a start-up file printed before it, out of stdout. */
export interface MarkerCutter {
  /** What of this chunk belongs to the command; empty while the marker is waited for. */
  push(chunk: Buffer): Buffer;
  /** What is held back at the end of the output: all of it, as no marker came. */
  rest(): Buffer;
}

/** More than this is not held back: whatever it is, it is given as output. */
const heldBytes = 64 * 1024;

/** @param onMarker called once, with the first marker that bears the nonce, or when it is waited for no more; a later one is the command's own output */
export function createMarkerCutter(nonce: string, onMarker: (marker: Marker) => void): MarkerCutter {
  const start = Buffer.from(`\x1eMOLT ${nonce} `);
  const nothing = Buffer.alloc(0);
  let held: Buffer | undefined = nothing;
  const release = (data: Buffer): Buffer => {
    held = undefined;
    return data;
  };
  return {
    push(chunk) {
      if (held === undefined) return chunk;
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const at = held.indexOf(start);
      const end = at < 0 ? -1 : held.indexOf('\n', at);
      if (end < 0 && held.length <= heldBytes) return nothing;
      if (end < 0) {
        onMarker({ kind: 'unreadable' });
        return release(held);
      }
      const word = held.toString('latin1', at + start.length, end);
      onMarker(readMarker(word));
      return release(held.subarray(end + 1));
    },
    rest: () => release(held ?? nothing),
  };
}
