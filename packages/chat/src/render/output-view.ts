import type { RunRecord } from '@moltbot/shared';
import type { ChatCode } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import { cleanOutput } from './clean-output.ts';
import { clip } from './clip.ts';
import { tailOf, withoutColours } from './tail-of.ts';

/** The last bytes of what a run printed, as UTF-8. */
export interface OutputTail {
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes of both streams that there are. */
  readonly total: number;
}

export interface OutputView {
  readonly code: readonly ChatCode[];
  /** Something of it is not shown. */
  readonly isCut: boolean;
}

/** The end of both streams in at most `characters`, or the data when nothing was printed. */
export function viewOutput(
  run: RunRecord,
  tail: OutputTail | undefined,
  { characters, ansi, t }: { readonly characters: number; readonly ansi: boolean; readonly t: Texts },
): OutputView {
  const clean = (text: string, bytes: number): string =>
    trimmed(cleanOutput(text, { ansi, isCut: Buffer.byteLength(text) < bytes }));
  const stdout = clean(tail?.stdout ?? '', run.stdoutBytes);
  const stderr = clean(tail?.stderr ?? '', run.stderrBytes);
  const fetched = Buffer.byteLength(tail?.stdout ?? '') + Buffer.byteLength(tail?.stderr ?? '');
  const isPart = (tail?.total ?? run.stdoutBytes + run.stderrBytes) > fetched;
  if (stdout === '' && stderr === '') return { code: viewData(run, characters, t), isCut: isPart };
  // Each has half, and what the other leaves of its half.
  const half = Math.floor(characters / 2);
  const forErr = stdout === '' ? characters : Math.min(stderr.length, Math.max(half, characters - stdout.length));
  const [out, err] = [tailOf(stdout, characters - Math.min(forErr, stderr.length)), tailOf(stderr, forErr)];
  const code = [
    ...(out.text === '' ? [] : [{ ...(stderr !== '' && { label: 'stdout' }), text: out.text }]),
    ...(err.text === '' ? [] : [{ label: 'stderr', text: err.text }]),
  ];
  return { code, isCut: isPart || out.left + err.left > 0 };
}

/** Without empty lines at its beginning and white space at its end, where a sequence may end the last colour. */
function trimmed(text: string): string {
  const isColoured = text.endsWith(reset);
  const body = (isColoured ? text.slice(0, -reset.length) : text).replace(/^\n+/, '').trimEnd();
  return isColoured && body !== '' ? body + reset : body;
}

const reset = '\u001b[0m';

function viewData({ data }: RunRecord, characters: number, t: Texts): readonly ChatCode[] {
  if (data === undefined) return [];
  const text = typeof data === 'string' ? data : JSON.stringify(data, undefined, 2);
  return [{ label: t.task.data, text: clip(cleanOutput(text, { ansi: false }), characters) }];
}

/** The last line with something in it: what most programs say at last is what matters. */
export function lastLineOf(code: readonly ChatCode[]): string {
  const lines = withoutColours(code.at(-1)?.text ?? '').split('\n');
  return lines.findLast((line) => line.trim() !== '')?.trim() ?? '';
}
