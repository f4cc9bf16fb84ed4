import { readFile } from 'node:fs/promises';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** What the browser loads; everything else of this folder stays here. */
const names = new Set([
  'index.html',
  'style.css',
  'style-code.css',
  'style-parts.css',
  'style-composer.css',
  'main.js',
  'api.js',
  'text.js',
  'ansi.js',
  'markdown.js',
  'messages.js',
  'components.js',
  'composer.js',
  'slash.js',
  'sidebar.js',
]);

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

/** By the path of its address; `/` is the page. */
export async function readPageFile(path: string): Promise<PageFile | undefined> {
  const name = path === '/' ? 'index.html' : path.replace(/^\/page\//, '');
  if (!names.has(name)) return undefined;
  const type = types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  return { type, content: await readFile(new URL(name, import.meta.url)) };
}
