import { type ErrorPlace, MoltError } from '../errors.ts';
import { type Layer, type Problem, placeOf } from './layers.ts';
import { type Path, pathKey } from './path.ts';

/** MOLT_BAD_CONFIG with every place; the message names the first. */
export function badConfig(places: readonly ErrorPlace[]): MoltError {
  const [first] = places;
  const count = places.length === 1 ? 'a mistake' : `${places.length} mistakes`;
  const example = first ? `: ${first.path} ${first.message}` : '';
  return new MoltError('MOLT_BAD_CONFIG', `the configuration has ${count}${example}`, { places });
}

/**
 * Problems for people: each with its place, from top to bottom, one a value.
 * @param hidden texts that came through references; messages repeat names, and a name can be one of them
 */
export function placed(
  problems: readonly Problem[],
  layers: readonly Layer[],
  hidden: readonly string[],
): readonly ErrorPlace[] {
  const order = new Intl.Collator('en', { numeric: true });
  return withoutEchoes(problems)
    .map((problem) => ({ path: placeOf(layers, problem), message: withoutHidden(problem.message, hidden) }))
    .sort((a, b) => order.compare(a.path, b.path));
}

/** The first of each value, and none below a value that is wrong itself: they follow from it. */
function withoutEchoes(problems: readonly Problem[]): readonly Problem[] {
  const first = new Map<string, Problem>();
  for (const problem of problems) {
    const key = pathKey(problem.path);
    if (!first.has(key)) first.set(key, problem);
  }
  return [...first.values()].filter(({ path }) => !ancestorsOf(path).some((ancestor) => first.has(pathKey(ancestor))));
}

const ancestorsOf = (path: Path): readonly Path[] => path.map((_, length) => path.slice(0, length));

const withoutHidden = (message: string, hidden: readonly string[]): string =>
  hidden.filter((text) => text.length > 3).reduce((shown, text) => shown.replaceAll(text, '[redacted]'), message);
