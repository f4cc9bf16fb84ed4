// The part of Discord's markdown that a bot uses, as elements. Nothing is ever read as HTML.
import { ansiNodes } from './ansi.js';
import { here, make } from './api.js';
import { currentLanguage } from './text.js';

/** Blocks: code, headings, quotes, lists, small print; else lines. */
export function markdown(text) {
  const parts = text.split(/```(?:([\w+-]*)\n)?([\s\S]*?)```/g);
  const nodes = [];
  for (let index = 0; index < parts.length; index += 3) {
    nodes.push(...lines(parts[index] ?? ''));
    if (index + 2 < parts.length) nodes.push(codeBlock(parts[index + 2], parts[index + 1]));
  }
  return nodes;
}

function codeBlock(code, language) {
  const text = code.replace(/\n$/, '');
  const element = make('code', '', ...(language === 'ansi' ? ansiNodes(text) : [text]));
  return make('pre', '', element);
}

const blocks = [
  [/^(#{1,3}) (.*)$/, ([, marks, rest]) => make(`h${marks.length + 2}`, '', ...inline(rest))],
  [/^-# (.*)$/, ([, rest]) => make('div', 'small', ...inline(rest))],
  [/^> (.*)$/, ([, rest]) => make('blockquote', '', ...inline(rest))],
  [/^ *[-*] (.*)$/, ([, rest]) => make('div', 'bullet', ...inline(rest))],
];

function lines(text) {
  const trimmed = text.replace(/^\n|\n$/g, '');
  if (trimmed === '') return [];
  return trimmed.split('\n').map((line) => {
    for (const [pattern, build] of blocks) {
      const match = pattern.exec(line);
      if (match) return build(match);
    }
    return make('div', 'line', ...(line === '' ? ['\u200b'] : inline(line)));
  });
}

const spans = [
  [/`([^`]+)`/, ([, code]) => make('code', 'inline', code)],
  [/\*\*([^*]+)\*\*/, ([, inner]) => make('strong', '', ...inline(inner))],
  [/__([^_]+)__/, ([, inner]) => make('u', '', ...inline(inner))],
  [/~~([^~]+)~~/, ([, inner]) => make('s', '', ...inline(inner))],
  [/\*([^*\s][^*]*)\*/, ([, inner]) => make('em', '', ...inline(inner))],
  [/\[([^\]]+)\]\(<?(https?:\/\/[^)\s>]+)>?\)/, ([, name, url]) => link(url, name)],
  [/<?(https?:\/\/[^\s<>]+[^\s<>.,;:!?)])>?/, ([, url]) => link(url, url)],
  [/<@!?(\d+)>/, ([, id]) => mention(`@${here.state?.users.find((user) => user.id === id)?.name ?? id}`)],
  [/<@&(\d+)>/, ([, id]) => mention(`@${here.state?.roles.find((role) => role.id === id)?.name ?? id}`)],
  [/<#(\d+)>/, ([, id]) => mention(`#${channelName(id) ?? id}`)],
  [/<t:(\d+)(?::\w)?>/, ([, seconds]) => make('time', '', new Date(seconds * 1000).toLocaleString(currentLanguage()))],
  [/@(?:everyone|here)\b/, ([word]) => mention(word)],
  [/\\([^0-9A-Za-z\s])/, ([, character]) => character],
];

/** The first span of the line, what stands before it, and the rest. */
export function inline(text) {
  let first;
  for (const [pattern, build] of spans) {
    const match = pattern.exec(text);
    if (match && (!first || match.index < first.match.index)) first = { match, build };
  }
  if (!first) return text === '' ? [] : [text];
  const { match, build } = first;
  const before = text.slice(0, match.index);
  return [...(before ? [before] : []), build(match), ...inline(text.slice(match.index + match[0].length))];
}

const mention = (text) => make('span', 'mention', text);

function link(url, name) {
  const element = make('a', '', name);
  element.href = url;
  element.target = '_blank';
  element.rel = 'noreferrer';
  return element;
}

const channelName = (id) =>
  here.state?.guilds
    .flatMap(({ channels }) => channels.flatMap((channel) => [channel, ...channel.threads]))
    .find((channel) => channel.id === id)?.name;
