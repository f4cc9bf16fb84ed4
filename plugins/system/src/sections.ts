/** What the script printed, by the names of its sections; one that came in pieces is put together. */
export interface Sections {
  /** The lines of a section; none when it is not there. */
  lines(name: string): readonly string[];
  /** The script came to its beginning, and to its end. */
  readonly hasBegun: boolean;
  readonly hasEnded: boolean;
}

/** A longer line is no line of ours: names are shorter, and nobody shall make the parsers work for long. */
const maxLineLength = 8_192;

export function toSections(output: string): Sections {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of output.split('\n')) {
    if (line.length > maxLineLength) continue;
    const [, name] = /^@@([a-z]+)$/.exec(line) ?? [];
    if (name !== undefined) {
      current = sections.get(name) ?? [];
      sections.set(name, current);
    } else if (line !== '') {
      current?.push(line);
    }
  }
  return {
    lines: (name) => sections.get(name) ?? [],
    hasBegun: sections.has('host'),
    hasEnded: sections.has('end'),
  };
}
