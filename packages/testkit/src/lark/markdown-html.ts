import { grid } from './html-grid.ts';

export interface MarkdownDeps {
  /** Name of who has an id. */
  nameOf(id: string): string;
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The markdown of cards. https://open.feishu.cn/document/feishu-cards/card-json-v2-components/content-components/rich-text */
export function markdownHtml(text: string, deps: MarkdownDeps): string {
  const lines = text.split('\n');
  const html: string[] = [];
  while (lines.length > 0) html.push(block(lines, deps));
  return html.join('');
}

const listItem = /^\s*(?:[-*]|(\d+)\.)\s+(.*)$/;
const tableRule = /^\s*\|?(\s*:?-+:?\s*\|)+\s*(:?-+:?\s*)?$/;

/** Takes the lines of one block off the front. */
function block(lines: string[], deps: MarkdownDeps): string {
  const [line = '', next = ''] = lines;
  const fence = /^\s*```/.test(line);
  if (fence) return fenced(lines);
  if (line.includes('|') && tableRule.test(next)) return table(lines, deps);
  const [, marks, title] = /^(#{1,6})\s+(.*)$/.exec(line) ?? [];
  if (marks !== undefined) {
    lines.shift();
    return `<h${marks.length}>${inline(title ?? '', deps)}</h${marks.length}>`;
  }
  if (listItem.test(line)) return list(lines, deps);
  if (/^\s*>/.test(line)) return `<blockquote>${inline(taken(lines, /^\s*>\s?/).join('\n'), deps)}</blockquote>`;
  lines.shift();
  if (/^\s*(-{3,}|<hr>)\s*$/.test(line)) return '<hr>';
  return line.trim() === '' ? '<p class="gap"></p>' : `<p>${inline(line, deps)}</p>`;
}

/** The lines at the front that have a mark, without it. */
function taken(lines: string[], mark: RegExp): string[] {
  const end = lines.findIndex((line) => !mark.test(line));
  return lines.splice(0, end === -1 ? lines.length : end).map((line) => line.replace(mark, ''));
}

function fenced(lines: string[]): string {
  lines.shift();
  const end = lines.findIndex((line) => /^\s*```\s*$/.test(line));
  const code = lines.splice(0, end === -1 ? lines.length : end);
  lines.shift();
  return `<pre>${escaped(code.join('\n'))}</pre>`;
}

function list(lines: string[], deps: MarkdownDeps): string {
  const ordered = /^\s*\d/.test(lines[0] ?? '');
  const items = taken(lines, /^\s*(?:[-*]|\d+\.)\s+/).map((item) => `<li>${inline(item, deps)}</li>`);
  return ordered ? `<ol>${items.join('')}</ol>` : `<ul>${items.join('')}</ul>`;
}

function table(lines: string[], deps: MarkdownDeps): string {
  const end = lines.findIndex((line) => !line.includes('|'));
  const [head = '', , ...rows] = lines.splice(0, end === -1 ? lines.length : end);
  const cells = (line: string): string[] =>
    line
      .replace(/^\s*\||\|\s*$/g, '')
      .split('|')
      .map((cell) => inline(cell.trim(), deps));
  return grid(cells(head), rows.map(cells));
}

/** Stands for a piece of code while the rest of its line is read. */
const hole = '\ue000';

/** What stands inside of a line. Nothing of the text becomes HTML but what is made of the marks here. */
export function inline(text: string, { nameOf }: MarkdownDeps): string {
  const codes: string[] = [];
  const kept = text.replace(
    /`([^`]+)`/g,
    (_, code: string) => `${hole}${codes.push(`<code>${escaped(code)}</code>`) - 1}${hole}`,
  );
  return escaped(kept)
    .replace(/&lt;at (?:id|ids)=(?:&quot;)?([\w-]+?)(?:&quot;)?&gt;&lt;\/at&gt;/g, (_, id: string) => {
      return `<span class="at">@${id === 'all' ? 'All' : escaped(nameOf(id))}</span>`;
    })
    .replace(/&lt;font color=(?:&quot;|')?([\w-]+)(?:&quot;|')?&gt;(.*?)&lt;\/font&gt;/gs, '<span class="$1">$2</span>')
    .replace(
      /&lt;text_tag color=(?:&quot;|')?([\w-]+)(?:&quot;|')?&gt;(.*?)&lt;\/text_tag&gt;/gs,
      '<span class="tag $1">$2</span>',
    )
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, '<a href="$2">$1</a>')
    .replace(/\*\*(.+?)\*\*/g, '<b>$1</b>')
    .replace(/~~(.+?)~~/g, '<s>$1</s>')
    .replace(/(^|[^*])\*([^*\s][^*]*)\*/g, '$1<i>$2</i>')
    .replaceAll('\n', '<br>')
    .replace(/\ue000(\d+)\ue000/g, (_, index: string) => codes[Number(index)] ?? '');
}
