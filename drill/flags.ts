import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The flags of a drill. Ends the process with 2 on one that it does not know. */
export function flagsOf<const T extends NonNullable<ParseArgsConfig['options']>>(
  options: T,
): ReturnType<typeof parseArgs<{ readonly options: T }>>['values'] {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** A whole number, 0 and up. Ends the process with 2 on anything else. */
export function countOf(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  return refuse(`--${flag} is "${text}": give a whole number`);
}

/** One of some words, or nothing. Ends the process with 2 on anything else. */
export function wordOf<W extends string>(flag: string, text: string, words: readonly W[]): W {
  const word = words.find((known) => known === text);
  return word ?? refuse(`--${flag} is "${text}": it is ${words.join(' or ')}`);
}

function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
