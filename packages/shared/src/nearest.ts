import { closestMatch } from 'leven';

/** The candidate that `word` was most likely meant to be, or undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  // Swapped letters are the commonest slip, and two changes to Levenshtein.
  const swapped = candidates.find((candidate) => lettersOf(candidate) === lettersOf(word));
  const maxDistance = Math.max(2, Math.floor(word.length / 3));
  return swapped ?? closestMatch(word, [...candidates], { maxDistance });
}

const lettersOf = (word: string): string => [...word].sort().join('');
