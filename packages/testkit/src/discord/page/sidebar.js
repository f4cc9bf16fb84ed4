// Guilds, channels, threads, direct messages.
import { here, make } from './api.js';
import { t } from './text.js';

const unread = new Set();

export function markUnread(channel) {
  if (channel === here.channel) return;
  unread.add(channel);
  drawPlaces();
}

/** Everything one can go to, in the order it is shown. */
export const placesOf = (state) => [
  ...state.guilds.flatMap((guild) =>
    guild.channels.flatMap((channel) => [
      { ...channel, guild: guild.name },
      ...channel.threads.map((thread) => ({ ...thread, guild: guild.name, isThread: true })),
    ]),
  ),
  { id: state.dm, name: state.bot.name, topic: `${t('directMessages')} ${t('withBot')} ${state.bot.name}`, isDm: true },
];

export function drawPlaces() {
  unread.delete(here.channel);
  const places = placesOf(here.state);
  const groups = here.state.guilds.map(({ name }) =>
    group(
      name,
      places.filter((place) => place.guild === name),
    ),
  );
  const direct = group(
    t('directMessages'),
    places.filter(({ isDm }) => isDm),
  );
  document.querySelector('#places').replaceChildren(...groups, direct);
}

const group = (name, places) => make('section', '', make('h2', '', name), ...places.map(entry));

function entry({ id, name, isThread, isDm, archived }) {
  const sign = isDm ? '@' : isThread ? '↳' : '#';
  const classes = [
    'place',
    isThread && 'sub',
    id === here.channel && 'current',
    unread.has(id) && 'unread',
    archived && 'archived',
  ];
  const button = make(
    'button',
    classes.filter(Boolean).join(' '),
    make('span', 'sign', sign),
    make('span', 'name', name),
  );
  button.type = 'button';
  button.addEventListener('click', () => document.dispatchEvent(new CustomEvent('go', { detail: id })));
  return button;
}
