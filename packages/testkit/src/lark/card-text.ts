import { localText } from './card-controls.ts';
import { childrenOf } from './card-walk.ts';
import { type Fields, fieldsAt, isFields, listOf, textOf } from './fields.ts';

/** A card as someone would read it aloud: titles, texts, `[buttons]`, tables with ` | ` between their cells. */
export function cardText(card: Fields, locale: string): string {
  const header = fieldsAt(card, 'header');
  const titles = ['title', 'subtitle'].map((name) => localText(fieldsAt(header, name), locale));
  const tags = listOf(header['text_tag_list']).map((tag) => `(${localText(fieldsAt(tag, 'text'), locale)})`);
  const body = listOf(fieldsAt(card, 'body')['elements']).map((element) => elementText(element, locale));
  return [...titles, tags.join(' '), ...body].filter((line) => line !== '').join('\n');
}

/** One component with all that is in it. */
export function elementText(element: Fields, locale: string): string {
  const tag = textOf(element['tag']);
  const inside = (): string =>
    childrenOf(element)
      .map((child) => elementText(child, locale))
      .filter((line) => line !== '')
      .join('\n');
  const label = (name: string): string => localText(fieldsAt(element, name), locale);
  switch (tag) {
    case 'markdown':
      return localText(element, locale);
    case 'div': {
      const fields = listOf(element['fields']).map((field) => localText(fieldsAt(field, 'text'), locale));
      return [label('text'), ...fields].filter((line) => line !== '').join('\n');
    }
    case 'button':
      return `[${label('text')}]${element['disabled'] === true ? ' (disabled)' : ''}`;
    case 'hr':
      return '---';
    case 'img':
      return `(image ${label('alt')})`;
    case 'table':
      return tableText(element);
    case 'collapsible_panel':
      return [`▸ ${localText(fieldsAt(fieldsAt(element, 'header'), 'title'), locale)}`, inside()].join('\n');
    case 'column_set':
      return childrenOf(element)
        .map((column) => elementText(column, locale))
        .filter((text) => text !== '')
        .join(' ');
    case 'input':
    case 'select_static':
    case 'multi_select_static':
      return `<${label('placeholder') || textOf(element['name'])}>`;
    case 'chart':
    case 'person':
      return `(${tag})`;
    default:
      return inside();
  }
}

/** What a cell holds. */
export function cellText(value: unknown): string {
  if (Array.isArray(value))
    return value.map((part) => (isFields(part) ? textOf(part['text']) : String(part))).join(' ');
  return value === undefined || value === null ? '' : String(value);
}

function tableText(element: Fields): string {
  const columns = listOf(element['columns']);
  const head = columns.map((column) => textOf(column['display_name']) || textOf(column['name'])).join(' | ');
  const rows = listOf(element['rows']).map((row) =>
    columns.map((column) => cellText(row[textOf(column['name'])])).join(' | '),
  );
  return [head, ...rows].join('\n');
}
