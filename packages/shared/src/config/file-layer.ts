import { dirname, resolve } from 'node:path';
import type { ErrorPlace } from '../errors.ts';
import { type Environment, fileVariable } from './environment.ts';
import type { Layer } from './layers.ts';
import { badConfig } from './mistakes.ts';
import { reasonOf } from './references.ts';
import { readYaml } from './yaml.ts';

export interface FileLayerOptions {
  readonly file?: string | undefined;
  readonly text?: string | undefined;
  readonly environment: Environment;
  readonly cwd: string;
  readonly readFile: (path: string) => Promise<string>;
}

export interface FileLayer {
  /** One, or none when there is no file. */
  readonly layers: readonly Layer[];
  readonly problems: readonly ErrorPlace[];
  readonly warnings: readonly string[];
  readonly readable: boolean;
}

/** The file that is named, or `config.yaml` if it is there. @throws MOLT_BAD_CONFIG when it cannot be read */
export async function readFileLayer(options: FileLayerOptions): Promise<FileLayer> {
  const named = options.file ?? (options.environment[fileVariable] || undefined);
  const source = named ?? 'config.yaml';
  const path = resolve(options.cwd, source);
  const text = options.text ?? (await readText(path, { source, isNeeded: named !== undefined, ...options }));
  if (text === undefined) return { layers: [], problems: [], warnings: [], readable: true };
  const { value, spots, ...rest } = readYaml(source, text);
  return { layers: [{ under: [], source, folder: dirname(path), value: value ?? {}, spots }], ...rest };
}

async function readText(
  path: string,
  options: Pick<FileLayerOptions, 'readFile'> & { readonly source: string; readonly isNeeded: boolean },
): Promise<string | undefined> {
  try {
    return await options.readFile(path);
  } catch (error) {
    const reason = reasonOf(error);
    if (!options.isNeeded && reason === 'ENOENT') return undefined;
    throw badConfig([{ path: options.source, message: `cannot be read (${reason})` }]);
  }
}
