import { readFile } from 'node:fs/promises';
import type { Asked } from './output-to-status.ts';

let read: Promise<string> | undefined;

/** The command line that looks at a host. */
export async function scriptFor({ top, sample }: Asked): Promise<string> {
  read ??= readScript();
  return `s_top=${top} s_sample=${sample}\n${await read}`;
}

/** Comments and indentation stay at home. */
async function readScript(): Promise<string> {
  const text = await readFile(new URL('./status.sh', import.meta.url), 'utf8');
  return text.replaceAll(/^[ \t]*(?:#.*)?\n/gm, '').replaceAll(/^[ \t]+/gm, '');
}
