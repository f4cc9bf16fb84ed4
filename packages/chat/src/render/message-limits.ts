/** What `message.ts` promises of every message, in UTF-16 units where it is about texts. */
export const messageLimits = {
  title: 200,
  /** All paragraphs together. */
  text: 1_500,
  fields: 20,
  fieldName: 80,
  /** All values together, and each. */
  fieldValues: 2_000,
  fieldValue: 500,
  rows: 12,
  columns: 4,
  cell: 60,
  links: 10,
  linkTitle: 80,
  buttons: 10,
  buttonLabel: 80,
  buttonId: 100,
  codeLabel: 60,
  footer: 200,
} as const;

/** Of code where nobody says how much a platform can show. */
export const codeCharacters = 1_500;
