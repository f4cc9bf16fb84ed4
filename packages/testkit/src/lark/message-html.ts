import { readFileSync } from 'node:fs';
import { cardHtml, type HtmlDeps } from './card-html.ts';
import type { Files } from './files.ts';
import { escaped } from './markdown-html.ts';
import { bodyOf, mentionsOf, type StoredMessage } from './model.ts';
import { nameOf } from './payloads.ts';
import { versionText } from './view.ts';
import type { World } from './world.ts';

interface Deps {
  readonly world: World;
  readonly files: Files;
}

const style = readFileSync(new URL('message.css', import.meta.url), 'utf8');

/** A page on its own: one message as a client shows it, for pictures in documents. */
export function messageHtml(message: StoredMessage, locale: string, { world, files }: Deps): string {
  const { author } = message;
  const shown = nameOf(author);
  const deps: HtmlDeps = {
    locale,
    nameOf: (id) => nameById(id, message, world),
    imageUrl: (key) => imageUrl(key, files),
  };
  const isBot = author.kind === 'app';
  return `<!doctype html>
<html lang="${locale === 'zh_cn' ? 'zh-CN' : 'en'}">
<head><meta charset="utf-8"><title>${escaped(shown)}</title><style>${style}</style></head>
<body>
<div class="message ${isBot ? 'bot' : 'person'}">
<div class="avatar">${escaped(shown.slice(0, 1).toUpperCase())}</div>
<div><div class="author">${escaped(shown)}${isBot ? `<i>${locale === 'zh_cn' ? '机器人' : 'BOT'}</i>` : ''}</div>
${contentHtml(message, locale, { deps, files })}
</div>
</div>
</body>
</html>
`;
}

function contentHtml(message: StoredMessage, locale: string, more: { deps: HtmlDeps; files: Files }): string {
  const body = bodyOf(message);
  const { deps, files } = more;
  if (message.deletedAt !== undefined) return '<div class="notes">This message was recalled</div>';
  if (body.type === 'interactive') return cardHtml(body.card, deps);
  if (body.type === 'image') return `<img src="${deps.imageUrl(body.imageKey)}" alt="">`;
  if (body.type === 'file') {
    const size = ((files.get(body.fileKey)?.data.length ?? 0) / 1024).toFixed(1);
    return `<div class="bubble file"><b>${escaped(body.fileName)}</b><small>${size} KB</small></div>`;
  }
  const text = versionText({ at: 0, body, mentions: mentionsOf(message) }, locale);
  const edited =
    message.versions.length > 1 ? `<div class="notes">${locale === 'zh_cn' ? '已编辑' : 'Edited'}</div>` : '';
  return `<div class="bubble">${escaped(text)}</div>${edited}`;
}

function nameById(id: string, { author }: StoredMessage, world: World): string {
  const found = world.people.find((person) => author.kind === 'app' && world.openId(author, person) === id);
  return found?.displayName ?? id;
}

function imageUrl(key: string, files: Files): string {
  const file = files.get(key);
  return file ? `data:${file.type};base64,${file.data.toString('base64')}` : '';
}
