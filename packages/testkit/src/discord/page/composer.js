// Where one writes: text, files, and the beginning of commands.
import { act, here, make, packed } from './api.js';
import { showAnswer } from './components.js';
import { fillIn, moveMark, offeredCommands, pickFirst, show } from './slash.js';
import { t } from './text.js';

const find = (id) => document.querySelector(`#${id}`);
const [form, text, chips, suggestions, problem, files, picker] = [
  'composer',
  'text',
  'chips',
  'suggestions',
  'problem',
  'files',
  'picker',
].map(find);
let chosen = [];
let filling;

export function prepareComposer() {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    await send();
  });
  text.addEventListener('input', async () => {
    fit();
    await suggest();
  });
  text.addEventListener('keydown', onKey);
  find('attach').addEventListener('click', () => picker.click());
  picker.addEventListener('change', () => choose([...picker.files]));
  document.addEventListener('paste', ({ clipboardData }) => choose([...(clipboardData?.files ?? [])]));
}

/** Writes for who has nothing to say yet. */
export function suggestText(suggested) {
  leaveCommand();
  text.value = suggested;
  fit();
}

/** Begins afresh, for another channel. */
export function resetComposer(place) {
  leaveCommand();
  choose([]);
  chosen = [];
  drawFiles();
  tell('');
  text.placeholder = `${t('writeTo')} ${place.isDm ? '@' : '#'}${place.name} ${t('or')}`;
}

async function onKey(event) {
  if (event.isComposing) return;
  const open = !suggestions.hidden;
  if (event.key === 'Enter' && !event.shiftKey) {
    event.preventDefault();
    if (!open || !pickFirst(suggestions)) await send();
  } else if (open && event.key === 'Tab') {
    event.preventDefault();
    pickFirst(suggestions);
  } else if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    event.preventDefault();
    moveMark(suggestions, event.key === 'ArrowDown' ? 1 : -1);
  } else if (event.key === 'Escape') leaveCommand();
}

async function suggest() {
  tell('');
  const typed = text.value;
  if (!typed.startsWith('/') || typed.includes('\n')) return suggestPeople(typed);
  const commands = await offeredCommands().catch(() => []);
  if (text.value !== typed) return;
  const word = typed.slice(1).toLowerCase();
  const fitting = commands.filter(({ path, shown }) => path.startsWith(word) || shown.startsWith(word));
  const entries = fitting.map((command) => ({
    title: `/${command.shown}`,
    note: command.description,
    pick: () => begin(command),
  }));
  show(suggestions, entries, commands.length === 0 ? t('noCommands') : undefined);
}

/** `@` and the beginning of a name. */
function suggestPeople(typed) {
  const word = /(?:^|\s)@([\p{L}\p{N}_-]*)$/u.exec(typed)?.[1];
  if (word === undefined) return show(suggestions, []);
  const fitting = here.state.users.filter(({ username, name }) =>
    `${username} ${name}`.toLowerCase().includes(word.toLowerCase()),
  );
  const entries = fitting.map(({ id, name, bot }) => ({
    title: `@${name}`,
    note: bot ? 'APP' : '',
    pick: () => {
      text.value = `${typed.slice(0, typed.length - word.length - 1)}<@${id}> `;
      show(suggestions, []);
      text.focus();
    },
  }));
  return show(suggestions, entries);
}

function begin(command) {
  text.value = '';
  text.hidden = true;
  find('attach').hidden = true;
  show(suggestions, []);
  filling = fillIn(command, {
    chips,
    suggestions,
    onProblem: tell,
    onDone: async (answer) => {
      leaveCommand();
      if (answer) await showAnswer(answer);
    },
  });
  if (command.options.every(({ required }) => !required)) find('send').focus();
}

function leaveCommand() {
  filling = undefined;
  chips.hidden = true;
  chips.replaceChildren();
  text.hidden = false;
  find('attach').hidden = false;
  show(suggestions, []);
  tell('');
  text.focus();
}

async function send() {
  if (filling) return filling.send();
  const written = text.value.trim();
  if (written === '' && chosen.length === 0) return undefined;
  try {
    const packedFiles = await Promise.all(chosen.map(packed));
    text.value = '';
    fit();
    show(suggestions, []);
    await act('say', { text: written, files: packedFiles });
    chosen = [];
    drawFiles();
    return undefined;
  } catch (error) {
    text.value ||= written;
    return tell(error.message);
  }
}

function choose(more) {
  chosen = [...chosen, ...more].slice(0, 10);
  picker.value = '';
  drawFiles();
}

function drawFiles() {
  const entries = chosen.map((file) => {
    const remove = make('button', '', '×');
    remove.type = 'button';
    remove.addEventListener('click', () => {
      chosen = chosen.filter((each) => each !== file);
      drawFiles();
    });
    return make('span', 'chip', `📄 ${file.name}`, remove);
  });
  files.replaceChildren(...entries);
  files.hidden = entries.length === 0;
}

function tell(message) {
  problem.textContent = message;
  problem.hidden = message === '';
}

function fit() {
  text.style.height = 'auto';
  text.style.height = `${Math.min(text.scrollHeight, 240)}px`;
}
