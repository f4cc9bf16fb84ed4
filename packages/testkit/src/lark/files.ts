import { newFileKey, newImageKey } from './ids.ts';
import type { App } from './model.ts';

export interface StoredFile {
  readonly key: string;
  readonly kind: 'file' | 'image';
  readonly name: string;
  readonly type: string;
  readonly data: Buffer;
  /** The app that uploaded it; none for a user's. */
  readonly owner: App | undefined;
}

/** What was uploaded, by key. */
export interface Files {
  put(file: Omit<StoredFile, 'key'>): StoredFile;
  get(key: string): StoredFile | undefined;
}

export function createFiles(): Files {
  const files = new Map<string, StoredFile>();
  return {
    put(file) {
      const key = file.kind === 'image' ? newImageKey() : newFileKey();
      const stored = { ...file, key };
      files.set(key, stored);
      return stored;
    },
    get: (key) => files.get(key),
  };
}

/** By the first bytes. Undefined for what is none of the formats that may be uploaded as an image. */
export function imageTypeOf(data: Buffer): string | undefined {
  const head = data.subarray(0, 12).toString('latin1');
  const [, type] = imageHeads.find(([pattern]) => pattern.test(head)) ?? [];
  return type;
}

const imageHeads: readonly (readonly [RegExp, string])[] = [
  [/^\x89PNG\r\n/, 'image/png'],
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^GIF8/, 'image/gif'],
  [/^RIFF.{4}WEBP/s, 'image/webp'],
  [/^BM/, 'image/bmp'],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an icon begins with them
  [/^\x00\x00\x01\x00/, 'image/x-icon'],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: and so does this
  [/^(II\*\x00|MM\x00\*)/, 'image/tiff'],
  [/^.{4}ftyp(heic|heix|mif1)/s, 'image/heic'],
];
