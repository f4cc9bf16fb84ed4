// The list of messages: drawn from data, each again when it changes.
import { here, make } from './api.js';
import { componentRows } from './components.js';
import { inline, markdown } from './markdown.js';
import { t, timeOf } from './text.js';

const list = document.querySelector('#messages');
const known = new Map();
/** Messages of one author that follow each other closely stand together. */
const together = 7 * 60_000;

export function showAll(messages) {
  known.clear();
  for (const message of messages) known.set(message.id, message);
  redraw(true);
}

export function show(message) {
  known.set(message.id, message);
  const drawn = document.querySelector(`[data-id="${message.id}"]`);
  if (!drawn) return redraw(false);
  keepingBottom(() => drawn.replaceWith(draw(message, drawn.classList.contains('follows'))));
}

export function drop(id) {
  if (known.delete(id)) redraw(false);
}

function redraw(jump) {
  const ordered = [...known.values()].sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
  keepingBottom(() => {
    list.replaceChildren(...ordered.map((message, index) => draw(message, follows(message, ordered[index - 1]))));
    if (ordered.length === 0)
      list.append(make('div', 'empty', make('p', 'empty-title', t('welcome')), make('p', '', t('welcomeHint'))));
  }, jump);
}

const follows = (message, before) =>
  before?.author.id === message.author.id &&
  !message.replyTo &&
  !message.askedBy &&
  Date.parse(message.at) - Date.parse(before.at) < together;

/** Who reads further up is left there. */
function keepingBottom(change, jump = false) {
  const atBottom = list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  change();
  if (jump || atBottom) list.scrollTop = list.scrollHeight;
}

function draw(message, isFollowing) {
  const pinged = message.mentionsEveryone || message.mentions.includes(here.state?.me);
  const classes = ['message', isFollowing && 'follows', pinged && 'pinged', message.ephemeral && 'ephemeral'];
  const element = make(
    'article',
    classes.filter(Boolean).join(' '),
    isFollowing ? undefined : above(message),
    isFollowing ? make('span', 'avatar none') : avatar(message.author),
    make('div', 'body', isFollowing ? undefined : byline(message), ...content(message)),
  );
  element.dataset.id = message.id;
  return element;
}

function above({ replyTo, askedBy }) {
  if (replyTo) {
    const [line] = replyTo.content.split('\n');
    const preview = line === '' ? [make('em', '', t('seeAttachment'))] : inline(line);
    return make('div', 'reply', `↱ ${replyTo.author}: `, ...preview);
  }
  return askedBy ? make('div', 'reply', `↱ ${askedBy} ${t('used')}`) : undefined;
}

const hues = ['#5865f2', '#3ba55d', '#faa61a', '#eb459e', '#00a8a8', '#a05bf0'];

function avatar({ id, name, bot }) {
  const element = make('span', 'avatar', bot ? '🤖' : [...name][0].toUpperCase());
  element.style.background = bot ? '#23a6d5' : hues[Number(BigInt(id) % BigInt(hues.length))];
  return element;
}

function byline({ author, at }) {
  const name = make('b', '', author.name);
  if (author.color) name.style.color = `#${author.color.toString(16).padStart(6, '0')}`;
  return make('div', 'byline', name, author.bot && make('span', 'tag', 'APP'), make('time', '', timeOf(at)));
}

function content(message) {
  const { thread } = message;
  return [
    message.loading && make('div', 'thinking', `${message.author.name} ${t('thinking')}`),
    message.content !== '' && make('div', 'text', ...markdown(message.content)),
    message.edited && make('span', 'note', t('edited')),
    ...message.embeds.map(embed),
    ...message.attachments.map(attachment),
    ...componentRows(message),
    message.reactions?.length > 0 && make('div', 'reactions', ...message.reactions.map(reaction)),
    thread && threadButton(thread),
    message.ephemeral && make('div', 'note', t('onlyYou')),
  ];
}

const reaction = ({ emoji, count }) => make('span', 'reaction', `${emoji.name} ${count}`);

function threadButton({ id, name }) {
  const button = make('button', 'thread', `# ${name} — ${t('thread')}`);
  button.type = 'button';
  button.addEventListener('click', () => document.dispatchEvent(new CustomEvent('go', { detail: id })));
  return button;
}

function embed({ title, description, url, color, fields = [], footer, author, image, thumbnail, timestamp }) {
  const heading = title && make(url ? 'a' : 'div', 'embed-title', ...markdown(title));
  if (url && heading) Object.assign(heading, { href: url, target: '_blank', rel: 'noreferrer' });
  const small = [footer?.text, timestamp && timeOf(timestamp)].filter(Boolean).join(' • ');
  const element = make(
    'div',
    'embed',
    thumbnail && picture(thumbnail.url, 'thumbnail'),
    author && make('div', 'embed-author', author.name),
    heading,
    description && make('div', 'text', ...markdown(description)),
    fields.length > 0 && make('div', 'fields', ...fields.map(field)),
    image && picture(image.url, 'picture'),
    small && make('div', 'note', small),
  );
  if (color !== undefined && color !== null) element.style.borderColor = `#${color.toString(16).padStart(6, '0')}`;
  return element;
}

const field = ({ name, value, inline }) =>
  make(
    'div',
    inline ? 'field inline' : 'field',
    make('b', '', ...markdown(name)),
    make('div', 'text', ...markdown(value)),
  );

function picture(url, className) {
  const element = make('img', className);
  Object.assign(element, { src: url, alt: '' });
  return element;
}

function attachment({ filename, size, url, content_type: type = '' }) {
  if (type.startsWith('image/')) return picture(url, 'picture');
  const element = make(
    'a',
    'file',
    make('span', 'icon', '📄'),
    make('span', '', make('b', '', filename), make('small', '', sizeOf(size))),
    make('span', 'get', `⬇ ${t('download')}`),
  );
  Object.assign(element, { href: url, download: filename });
  return element;
}

const sizeOf = (bytes) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${(bytes / 1024).toFixed(1)} KB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
