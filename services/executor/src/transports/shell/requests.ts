import type { ExecSpec, GuardOrder } from '@moltbot/plugin-sdk';
import { type GuardConfig, MoltError } from '@moltbot/shared';
import { checkScript, exportLines, quote } from '../shell-words.ts';
import type { KillTimes } from './contract.ts';

/** Lengths of the loops that end a group, in steps of 50 ms. */
const stepMs = 50;
/** How long a killed group may take to be gone. */
const goneMs = 3_000;

export interface KillSteps {
  readonly grace: number;
  readonly all: number;
}

export function killSteps({ graceMs }: Pick<KillTimes, 'graceMs'>): KillSteps {
  const grace = Math.ceil(graceMs / stepMs);
  return { grace, all: grace + Math.ceil(goneMs / stepMs) };
}

/** Input for `printf %b`: only printable ASCII is sent as it is, so NUL, and any locale, survive. */
function escapeInput(input: string): string {
  let escaped = '+';
  for (const byte of Buffer.from(input)) {
    if (byte === 0x5c) escaped += '\\\\';
    else if (byte === 0x0a) escaped += '\\n';
    else if (byte >= 0x20 && byte < 0x7f) escaped += String.fromCharCode(byte);
    else escaped += `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return escaped;
}

/** A function call of the guard program. A shell reads what comes through a pipe byte by byte: quotes stand where they must. */
const request = (words: readonly (string | number)[]): string =>
  `${words.map((word) => (/^[\w./:-]+$/.test(String(word)) ? word : quote(String(word)))).join(' ')}\n`;

interface CommandWords {
  readonly env: string;
  readonly cwd: string;
  readonly command: string;
  readonly input: string;
}

/** @throws MOLT_BAD_ARGUMENTS when no shell could take it */
export function commandWords({ command, cwd, env, stdin }: ExecSpec): CommandWords {
  if (cwd?.includes('\0')) throw new MoltError('MOLT_BAD_ARGUMENTS', 'a directory cannot hold a NUL character');
  return {
    env: checkScript(exportLines(env).join('\n')),
    cwd: cwd ?? '',
    command: checkScript(command),
    input: stdin === undefined ? '' : escapeInput(stdin),
  };
}

export const plainRequest = (nonce: string, { env, cwd, command, input }: CommandWords): string =>
  request(['M_plain', nonce, env, cwd, command, input]);

/** As a spare reads it, which takes one line: in words of bash. */
export const spareRequest = (nonce: string, words: CommandWords): string =>
  `${plainRequest(nonce, words)
    .trimEnd()
    .replaceAll('\n', () => "'$'\\n''")}\n`;

/** Brings the lines that follow to the shell itself, and is answered by an end when they do. */
export const takeBackRequest = (nonce: string): string => `M_yield\nM_sync ${nonce}\n`;

const guardWords = (nonce: string, { id, attempt, from, totalMs }: GuardOrder, { grace, all }: KillSteps) => [
  nonce,
  id,
  attempt,
  from.stdout,
  from.stderr,
  Math.ceil(totalMs / 1_000),
  grace,
  all,
];

export interface GuardWords {
  readonly nonce: string;
  readonly guard: GuardOrder;
  readonly steps: KillSteps;
}

/** @param scope name of the systemd scope to run in, or `-` */
export function startRequest(words: GuardWords, { env, cwd, command, input }: CommandWords, scope: string): string {
  return request(['M_start', ...guardWords(words.nonce, words.guard, words.steps), env, cwd, command, input, scope]);
}

export const attachRequest = ({ nonce, guard, steps }: GuardWords): string =>
  request(['M_attach', ...guardWords(nonce, guard, steps)]);

export const followRequest = ({ nonce, guard, steps }: GuardWords): string =>
  request(['M_follow', ...guardWords(nonce, guard, steps)]);

export const helloRequest = (nonce: string, directory: string): string =>
  `M_hello ${nonce} ${directoryWord(directory)}\n`;

export const forgetRequest = (guards: readonly Pick<GuardOrder, 'id' | 'attempt'>[]): string =>
  request(['M_forget', ...guards.map(({ id, attempt }) => `${id}.${attempt}`)]);

const minutesOf = (retentionMs: number): number => Math.ceil(retentionMs / 60_000);

export const sweepRequest = (retentionMs: number): string => request(['M_sweep', minutesOf(retentionMs)]);

/** A program of `/bin/sh` that removes what is past its retention, and prints `clean` when no record is left. */
export const tidyProgram = (tidy: string, { directory, retentionMs }: GuardConfig): string =>
  `${tidy}M_dir=${directoryWord(directory)}/run\nM_tidy ${minutesOf(retentionMs)}\n`;

const directoryWord = (directory: string): string =>
  directory.startsWith('~/') ? `"$HOME"/${quote(directory.slice(2))}` : quote(directory);

/** A program for `aside` that ends the group and prints what it found. */
export const endGroupProgram = (record: string, group: number, { grace, all }: KillSteps): string =>
  `${record}M_end_group ${group} ${grace} ${all}\nprintf '%s\\n' "$M_verdict"\n`;

export interface EndWords extends Omit<GuardWords, 'nonce'> {
  /** What the record shall say of why. */
  readonly why: 'cancel' | 'timeout';
}

/** A program for `aside` that ends a guarded run, or seals it, and prints its state, what ended it, its status and whether it is gone. */
export function endRunProgram(record: string, directory: string, { guard, steps, why }: EndWords): string {
  const file = `${directoryWord(directory)}/run/${quote(`${guard.id}.${guard.attempt}`)}`;
  return `${record}M_end_run ${file} ${why} ${steps.grace} ${steps.all}
[ "$M_state" != lost ] || M_killed=$M_verdict
printf '%s\\n' "$M_state $M_by $M_code $M_killed"\n`;
}

/** @throws MOLT_BAD_ARGUMENTS on what cannot be part of a file name */
export function checkGuard({ id, attempt }: Pick<GuardOrder, 'id' | 'attempt'>): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,159}$/.test(id) && Number.isSafeInteger(attempt) && attempt > 0) return;
  throw new MoltError('MOLT_BAD_ARGUMENTS', `"${id}" attempt ${attempt} cannot name a record`);
}
