import type { ErrorPlace } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { type ConfigKey, listKeys, type SchemaNode } from './keys.ts';
import type { Layer } from './layers.ts';
import { readYaml } from './yaml.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentRead {
  /** Parents before what is below them. */
  readonly layers: readonly Layer[];
  readonly problems: readonly ErrorPlace[];
  readonly warnings: readonly string[];
}

/** Names the file of the configuration; overrides nothing. */
export const fileVariable = 'MOLTBOT_CONFIG';

/** Override nothing, and are no slips: where the `moltbot` command finds a running Moltbot is often set for all in a shell. */
const otherVariables: readonly string[] = [fileVariable, 'MOLTBOT_URL', 'MOLTBOT_API_KEY'];

/**
 * What the variables of the environment override. A variable that is empty counts as not set.
 * @param folder what relative paths in variables are relative to
 */
export function readEnvironment(schema: SchemaNode, environment: Environment, folder: string): EnvironmentRead {
  const keys = new Map(listKeys(schema).flatMap((key) => (key.variable ? [[key.variable.name, key] as const] : [])));
  const given = Object.entries(environment)
    .filter(([name, text]) => name.startsWith('MOLTBOT_') && !otherVariables.includes(name) && text)
    .map(([name, text = '']) => ({ name, text, key: keys.get(name) }));
  const reads = given.flatMap(({ name, text, key }) =>
    key && !isServiceLink(name, text) ? [readVariable(key, { name, text, folder })] : [],
  );
  const warnings = given.flatMap(({ name, text, key }) => {
    if (isServiceLink(name, text)) return [`${name} is ignored: ${serviceLink}`];
    return key ? [] : [`${name} is ignored: it overrides nothing${hint(name, [...keys.keys()])}`];
  });
  return {
    layers: reads.map(({ layer }) => layer).sort((a, b) => a.under.length - b.under.length),
    problems: reads.flatMap(({ problems }) => problems),
    warnings,
  };
}

function readVariable(
  key: ConfigKey,
  { name, text, folder }: { readonly name: string; readonly text: string; readonly folder: string },
): { readonly layer: Layer; readonly problems: readonly ErrorPlace[] } {
  const layer = { under: key.variable?.path ?? [], source: name, folder };
  // Text is taken as it stands, so that a password never needs quoting.
  if (key.node.type === 'string') return { layer: { ...layer, value: text, spots: new Map() }, problems: [] };
  const { value, spots, problems } = readYaml(name, text);
  const isOneWord = typeof value !== 'object';
  return { layer: { ...layer, value, spots: isOneWord ? new Map() : spots }, problems };
}

const serviceLink = 'it looks like a service link of Kubernetes; enableServiceLinks: false keeps it away';

/** A service named moltbot-gateway makes Kubernetes set MOLTBOT_GATEWAY_PORT=tcp://10.0.0.1:8420 in every Pod. */
const isServiceLink = (name: string, text: string): boolean =>
  /_PORT$/.test(name) && /^(?:tcp|udp|sctp):\/\/\S+$/.test(text);

function hint(name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  return meant ? `; did you mean ${meant}?` : '';
}
