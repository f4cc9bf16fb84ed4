import { localText } from './card-controls.ts';
import { cellText } from './card-text.ts';
import { childrenOf } from './card-walk.ts';
import { type Fields, fieldsAt, listOf, textOf } from './fields.ts';
import { grid } from './html-grid.ts';
import { escaped, inline, markdownHtml } from './markdown-html.ts';

export interface HtmlDeps {
  readonly locale: string;
  /** Name of who has an id. */
  nameOf(id: string): string;
  /** A `data:` address of an uploaded image; empty if there is none. */
  imageUrl(key: string): string;
}

/** A card as a client of the desktop would draw it, in plain elements with classes. */
export function cardHtml(card: Fields, deps: HtmlDeps): string {
  const header = fieldsAt(card, 'header');
  const title = localText(fieldsAt(header, 'title'), deps.locale);
  const subtitle = localText(fieldsAt(header, 'subtitle'), deps.locale);
  const tags = listOf(header['text_tag_list']).map((tag) => {
    return `<span class="tag ${color(tag)}">${escaped(localText(fieldsAt(tag, 'text'), deps.locale))}</span>`;
  });
  const head = `<header class="${escaped(textOf(header['template']) || 'default')}"><b>${escaped(title)}</b>${tags.join('')}${
    subtitle === '' ? '' : `<small>${escaped(subtitle)}</small>`
  }</header>`;
  const body = listOf(fieldsAt(card, 'body')['elements']).map((element) => elementHtml(element, deps));
  return `<article class="card">${title === '' ? '' : head}<div class="body">${body.join('')}</div></article>`;
}

const color = (element: Fields): string => escaped(textOf(element['color']) || 'neutral');

function elementHtml(element: Fields, deps: HtmlDeps): string {
  const { locale } = deps;
  const text = (name: string): string => escaped(localText(fieldsAt(element, name), locale));
  const inside = (): string =>
    childrenOf(element)
      .map((child) => elementHtml(child, deps))
      .join('');
  switch (textOf(element['tag'])) {
    case 'markdown':
      return `<div class="markdown ${escaped(textOf(element['text_size']))}">${markdownHtml(localText(element, locale), deps)}</div>`;
    case 'div':
      return divHtml(element, deps);
    case 'button': {
      const disabled = element['disabled'] === true ? ' disabled' : '';
      return `<button class="${escaped(textOf(element['type']) || 'default')}"${disabled}>${text('text')}</button>`;
    }
    case 'hr':
      return '<hr>';
    case 'img':
      return `<img src="${deps.imageUrl(textOf(element['img_key']))}" alt="${text('alt')}">`;
    case 'table':
      return tableHtml(element, deps);
    case 'column_set':
      return `<div class="columns">${inside()}</div>`;
    case 'column':
      return `<div class="column ${escaped(textOf(element['width']))}">${inside()}</div>`;
    case 'collapsible_panel': {
      const title = localText(fieldsAt(fieldsAt(element, 'header'), 'title'), locale);
      const open = element['expanded'] === true ? ' open' : '';
      return `<details${open}><summary>${inline(title, deps)}</summary>${inside()}</details>`;
    }
    case 'input':
    case 'select_static':
    case 'multi_select_static':
      return `<span class="field">${text('placeholder')}</span>`;
    default:
      return `<div class="container">${inside()}</div>`;
  }
}

function divHtml(element: Fields, deps: HtmlDeps): string {
  const one = (text: Fields): string => {
    const written = localText(text, deps.locale);
    const html = text['tag'] === 'lark_md' ? markdownHtml(written, deps) : escaped(written).replaceAll('\n', '<br>');
    return `<span class="${escaped(textOf(text['text_size']))} ${escaped(textOf(text['text_color']))}">${html}</span>`;
  };
  const fields = listOf(element['fields']).map((field) => {
    return `<div class="${field['is_short'] === true ? 'short' : 'long'}">${one(fieldsAt(field, 'text'))}</div>`;
  });
  return `<div class="text">${one(fieldsAt(element, 'text'))}${fields.join('')}</div>`;
}

function tableHtml(element: Fields, deps: HtmlDeps): string {
  const columns = listOf(element['columns']);
  const heads = columns.map((column) => escaped(textOf(column['display_name']) || textOf(column['name'])));
  const rows = listOf(element['rows']).map((row) =>
    columns.map((column) => inline(cellText(row[textOf(column['name'])]), deps)),
  );
  return grid(heads, rows);
}
