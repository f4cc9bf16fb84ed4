/** A JSON object whose fields are not known to be right. */
export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object under a name; an empty one if there is none. */
export function fieldsAt(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isFields(value) ? value : {};
}

/** The objects of a list; none if it is no list. */
export const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** Empty if it is no text. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The objects of a list in JSON; none if it is no list. */
export const parsedList = (text: unknown): readonly Fields[] =>
  listOf(parsedFields(`{"list":${textOf(text)}}`)?.['list']);

/** @returns undefined for what is no JSON object */
export function parsedFields(text: unknown): Fields | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
