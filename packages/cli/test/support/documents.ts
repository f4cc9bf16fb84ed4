import { type ConfigKey, configKeys, errorCatalog, errorCodes } from '@moltbot/shared';

/** The table of docs/errors.md. */
export const errorTable = (): string =>
  table(
    ['Code', 'Status', 'Meaning', 'What to do'],
    errorCodes.map((code) => {
      const { status, title, remedy } = errorCatalog[code];
      return [`\`${code}\``, String(status), title, remedy.replaceAll('<', '&lt;')];
    }),
  );

/** The table of docs/configuration.md: every key that takes a value, and the maps and lists that hold others. */
export const configurationTable = (): string =>
  table(
    ['Key', 'Variable', 'Default', 'Meaning'],
    documentedKeys().map(({ name, node, variable }) => [
      `\`${name}\``,
      variable ? `\`${variable.name}\`` : '',
      node.default === undefined ? '' : `\`${JSON.stringify(node.default)}\``,
      node.description ?? '',
    ]),
  );

/** Keys with a meaning of their own: not the sections, not the bare items of lists and maps. */
export const documentedKeys = (): readonly ConfigKey[] =>
  configKeys().filter(({ node }) => node.properties === undefined && node.description !== undefined);

/** Puts `content` between the markers of a document. @throws when it has no such markers */
export function fill(document: string, content: string): string {
  const markers = /(<!-- table -->\n)[\s\S]*(<!-- end of table -->)/;
  if (!markers.test(document)) throw new Error('the document has no place for the table');
  return document.replace(markers, (_all, start: string, end: string) => `${start}\n${content}\n\n${end}`);
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
