import { meantOf } from './vocabulary.ts';

/** Those that fit what was typed, best first: that begin with it, that hold it, and one that is near. Stable among equals. */
export function bestOf<T>(typed: string, all: readonly T[], textOf: (one: T) => string): readonly T[] {
  const word = typed.toLowerCase();
  const ranked = all
    .map((one) => ({ one, rank: rankOf(textOf(one).toLowerCase(), word) }))
    .filter(({ rank }) => rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
  if (ranked.length > 0) return ranked;
  const meant = meantOf(word, all.map(textOf));
  return all.filter((one) => textOf(one) === meant).slice(0, 1);
}

const rankOf = (text: string, word: string): number => {
  const at = text.indexOf(word);
  if (text === word) return 0;
  return at === 0 ? 1 : at > 0 ? 2 : 3;
};
