import { readFile as readFileFrom } from 'node:fs/promises';
import { resolve } from 'node:path';
import { compileConfig } from './compile.ts';
import type { Config } from './config.ts';
import { crossCheck } from './cross-checks.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { readFileLayer } from './file-layer.ts';
import { describeInput, nodeAt, type SchemaNode } from './keys.ts';
import { type Layer, layerOf, mergeLayers, placeOf } from './layers.ts';
import { badConfig, placed } from './mistakes.ts';
import { isMap, type Path, valueAt } from './path.ts';
import { schemaProblems } from './problems.ts';
import { resolveReferences } from './references.ts';
import { configSchema } from './schema.ts';
import { readScalar } from './yaml.ts';

export interface LoadConfigOptions {
  /** Path of the file. Default: the variable MOLTBOT_CONFIG, else `config.yaml` in `cwd` if it is there, else no file. */
  readonly file?: string | undefined;
  /** The text of the file, when it has been read already. */
  readonly text?: string | undefined;
  /** Where overrides (`MOLTBOT_…`) and `${env:…}` are looked up. */
  readonly environment: Environment;
  readonly cwd: string;
  /** Default: from the disk, as UTF-8. */
  readonly readFile?: ((path: string) => Promise<string>) | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** What is odd and no mistake, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * The effective configuration: defaults, then the file, then the environment; references resolved.
 * @throws MOLT_BAD_CONFIG whose `places` hold every problem, from top to bottom, and no value that came through a reference
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const { environment, cwd, readFile = readUtf8 } = options;
  const schema = describeInput();
  const file = await readFileLayer({ ...options, readFile });
  const variables = readEnvironment(schema, environment, cwd);
  const problems = [...file.problems, ...variables.problems];
  if (!file.readable || variables.problems.length > 0) throw badConfig(problems);

  const layers = [...file.layers, ...variables.layers];
  const written = mergeLayers(layers);
  const absolute = (path: string, at: Path): string => {
    const folder = valueAt(written, at) === undefined ? cwd : layerOf(layers, at)?.folder;
    return resolve(
      folder ?? cwd,
      path.replace(/^~(?=\/)/, () => environment['HOME'] ?? '~'),
    );
  };
  const convert = (text: string, at: Path): unknown => (isTextAt(schema, at) ? text : readScalar(text));
  const { value, hidden, ...resolved } = await resolveReferences(written, { environment, readFile, absolute, convert });

  const checked = configSchema.safeParse(value);
  const wrong = [
    ...resolved.problems,
    ...(checked.error ? schemaProblems(checked.error, schema, value) : []),
    ...(isMap(value) ? crossCheck(value) : []),
  ];
  problems.push(...placed(wrong, layers, hidden));
  if (!checked.success || problems.length > 0) throw badConfig(problems);

  const config = compileConfig(checked.data, absolute);
  return { config, warnings: [...file.warnings, ...variables.warnings, ...warningsOf(config, layers)] };
}

const readUtf8 = (path: string): Promise<string> => readFileFrom(path, 'utf8');

const isTextAt = (schema: SchemaNode, path: Path): boolean => (nodeAt(schema, path)?.type ?? 'string') === 'string';

function warningsOf({ platforms, targets, ssh }: Config, layers: readonly Layer[]): readonly string[] {
  const deaf = Object.entries(platforms.discord)
    .filter(([, { guilds, directMessages }]) => Object.keys(guilds).length === 0 && directMessages === undefined)
    .map(([name]) => {
      const place = placeOf(layers, { path: ['platforms', 'discord', name], at: 'key' });
      return `${place}: it has neither guilds nor directMessages: it answers nobody`;
    });
  const keyless = Object.keys(ssh.identities).length === 0 && targets.some(({ transport }) => transport === 'ssh');
  return [
    ...deaf,
    ...(targets.length === 0 ? ['there are no targets: no command can run'] : []),
    ...(keyless ? ['ssh.identities is empty: an executor with this configuration cannot log in anywhere'] : []),
  ];
}
