import { formatPath, isMap, isWithin, type Path, pathKey } from './path.ts';
import type { Spot, Spots } from './yaml.ts';

/** A text that gives a part of the configuration: the file, or a variable of the environment. */
export interface Layer {
  /** The part it gives; the root for the file. */
  readonly under: Path;
  /** What problems call it. */
  readonly source: string;
  /** What relative paths in it are relative to. */
  readonly folder: string;
  readonly value: unknown;
  /** By `pathKey` relative to `under`. */
  readonly spots: ReadonlyMap<string, Spots>;
}

/** A mistake in one value, or in its key. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
  readonly at?: 'key' | 'value';
}

/** Puts layers on each other; a later one replaces what it gives as a whole. */
export function mergeLayers(layers: readonly Layer[]): unknown {
  let root: unknown = {};
  for (const { under, value } of layers) root = replaceAt(root, under, value);
  return root;
}

/** The layer that gives the value at a path: the last one that could. */
export const layerOf = (layers: readonly Layer[], path: Path): Layer | undefined =>
  layers.findLast(({ under }) => isWithin(path, under));

/** `config.yaml:12:5 tenants.default.apiKeys[0].hash`: the value, or what it is missing from. */
export function placeOf(layers: readonly Layer[], { path, at = 'value' }: Omit<Problem, 'message'>): string {
  const layer = layerOf(layers, path);
  if (!layer) return formatPath(path);
  const spot = nearestSpot(layer, path.slice(layer.under.length), at);
  const source = spot ? `${layer.source}:${spot.line}:${spot.column}` : layer.source;
  return `${source} ${formatPath(path)}`.trimEnd();
}

function nearestSpot(layer: Layer, path: Path, at: 'key' | 'value'): Spot | undefined {
  const exact = layer.spots.get(pathKey(path));
  if (exact) return exact[at] ?? exact.value;
  return path.length > 0 ? nearestSpot(layer, path.slice(0, -1), 'key') : undefined;
}

function replaceAt(root: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const map = isMap(root) ? root : {};
  return { ...map, [step]: replaceAt(map[step], rest, value) };
}
