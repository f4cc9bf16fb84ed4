// The page: who one is, where one is, and what is heard there.
import { here, make, read } from './api.js';
import { prepareComposer, resetComposer, suggestText } from './composer.js';
import { drop, show, showAll } from './messages.js';
import { drawPlaces, markUnread, placesOf } from './sidebar.js';
import { currentLanguage, setLanguage, t, translatePage } from './text.js';

const find = (id) => document.querySelector(`#${id}`);
let events;
let typingTimer;

async function start() {
  prepareComposer();
  document.addEventListener('go', ({ detail }) => go(detail));
  find('menu').addEventListener('click', () => document.body.classList.toggle('open'));
  find('user').addEventListener('change', ({ target }) => become(target.value));
  for (const button of document.querySelectorAll('[data-language]')) {
    button.addEventListener('click', () => speak(button.dataset.language));
  }
  const asked = new URLSearchParams(location.search);
  if (asked.has('lang')) setLanguage(asked.get('lang'));
  translatePage();
  const state = await read('state', asked.has('user') ? { user: asked.get('user') } : {});
  for (const { username, name, bot } of state.users) if (!bot) find('user').append(new Option(name, username));
  drawHints(state.hints);
  const me = state.users.find(({ id }) => id === state.me);
  find('user').value = me.username;
  await become(me.username, asked.get('channel') ?? undefined);
}

/** What could be written; it is put where one writes, not sent. */
function drawHints(hints) {
  const buttons = hints.map((hint) => {
    const button = make('button', 'hint', hint);
    button.type = 'button';
    button.title = hint;
    button.addEventListener('click', () => {
      document.body.classList.remove('open');
      suggestText(hint);
    });
    return button;
  });
  find('hints').append(...buttons);
  find('hints').hidden = buttons.length === 0;
}

async function become(user, wanted) {
  here.user = user;
  here.state = await read('state');
  listen();
  const places = placesOf(here.state);
  const place = places.find(({ id, name }) => id === (wanted ?? here.channel) || name === wanted) ?? places[0];
  await go(place.id);
}

async function go(channel) {
  here.channel = channel;
  document.body.classList.remove('open');
  const place = placesOf(here.state).find(({ id }) => id === channel);
  if (!place) return refreshPlaces();
  find('channel').textContent = `${place.isDm ? '@' : '#'} ${place.name}`;
  find('topic').textContent = place.topic ?? place.guild ?? '';
  find('typing').textContent = '';
  document.title = `${place.name} · ${t('title')}`;
  resetComposer(place);
  drawPlaces();
  showAll(await read('messages', { channel }));
  return undefined;
}

async function speak(language) {
  if (language === currentLanguage()) return;
  setLanguage(language);
  translatePage();
  await go(here.channel);
}

async function refreshPlaces() {
  here.state = await read('state');
  drawPlaces();
}

function listen() {
  events?.close();
  events = new EventSource(`/page/events?user=${encodeURIComponent(here.user)}`);
  const on = (name, handle) => events.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
  let lost = false;
  events.addEventListener('open', async () => {
    setLink('live');
    if (!lost) return;
    lost = false;
    // What happened meanwhile was not heard.
    await refreshPlaces();
    await go(here.channel);
  });
  events.addEventListener('error', () => {
    lost = true;
    setLink('lost');
  });
  on('message', (message) => {
    if (message.channel === here.channel) {
      show(message);
      if (message.author.bot) find('typing').textContent = '';
    } else markUnread(message.channel);
  });
  on('gone', ({ id, channel }) => channel === here.channel && drop(id));
  on('places', refreshPlaces);
  on('typing', showTyping);
}

function showTyping({ channel, user }) {
  if (channel !== here.channel) return;
  const name = here.state.users.find(({ id }) => id === user)?.name ?? user;
  find('typing').textContent = `${name} ${t('typing')}`;
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => {
    find('typing').textContent = '';
  }, 9_000);
}

function setLink(state) {
  find('link').className = state;
  find('link').textContent = t(state);
}

await start();
