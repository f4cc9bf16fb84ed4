// Slash commands: found while one types, filled in option by option, as the real client does it.
import { act, here, make, packed, read } from './api.js';
import { localized, t } from './text.js';

const optionTypes = {
  sub: 1,
  group: 2,
  string: 3,
  integer: 4,
  boolean: 5,
  user: 6,
  channel: 7,
  role: 8,
  number: 10,
  file: 11,
};

/** Commands of the channel with each subcommand on its own: `job cancel`. */
export async function offeredCommands() {
  const commands = (await read('commands', { channel: here.channel })).filter(({ type }) => type === 1);
  const flat = (command, path, shown, options, description) => {
    const nested = options.filter(({ type }) => type === optionTypes.sub || type === optionTypes.group);
    if (nested.length === 0) return [{ path, shown, description, options }];
    return nested.flatMap((sub) =>
      flat(
        command,
        `${path} ${sub.name}`,
        `${shown} ${localized(sub, 'name')}`,
        sub.options ?? [],
        localized(sub, 'description'),
      ),
    );
  };
  return commands.flatMap((command) =>
    flat(command, command.name, localized(command, 'name'), command.options ?? [], localized(command, 'description')),
  );
}

/** A command being filled in. `onDone` is called when it was sent or given up. */
export function fillIn(command, { chips, suggestions, onDone, onProblem }) {
  const fields = new Map();
  const optional = make('span', 'more');
  const send = async () => {
    try {
      const options = await collected(fields);
      chips.classList.add('waiting');
      const answer = await act('slash', { command: command.path, options });
      await onDone(answer);
    } catch (error) {
      onProblem(error.message);
    } finally {
      chips.classList.remove('waiting');
    }
  };
  const add = (option, focus) => {
    const input = inputFor(option);
    fields.set(option.name, { option, input });
    const chip = make('label', 'chip', make('b', '', localized(option, 'name')), input);
    chip.title = localized(option, 'description');
    optional.before(chip);
    input.addEventListener('keydown', async (event) => {
      if (event.key === 'Escape') await onDone();
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (suggestions.hidden || !pickFirst(suggestions)) await send();
    });
    watch(command, option, input, { fields, suggestions });
    if (focus) input.focus();
  };
  const title = make('span', 'command', `/${command.shown}`);
  const leave = make('button', 'add', '×');
  leave.type = 'button';
  leave.title = t('cancel');
  leave.addEventListener('click', () => onDone());
  chips.replaceChildren(title, optional, leave);
  chips.hidden = false;
  for (const option of command.options.filter(({ required }) => required)) add(option, fields.size === 0);
  for (const option of command.options.filter(({ required }) => !required)) {
    const button = make('button', 'add', `+ ${localized(option, 'name')}`);
    button.type = 'button';
    button.title = localized(option, 'description');
    button.addEventListener('click', () => {
      button.remove();
      add(option, true);
    });
    optional.append(button);
  }
  return { send };
}

function inputFor({ type, choices, max_length: maxLength }) {
  if (type === optionTypes.boolean)
    return choice([
      ['true', t('yes')],
      ['false', t('no')],
    ]);
  if (type === optionTypes.user) return choice(here.state.users.map(({ username, name }) => [username, name]));
  if (type === optionTypes.role) return choice(here.state.roles.map(({ name }) => [name, name]));
  if (type === optionTypes.channel)
    return choice(here.state.guilds.flatMap(({ channels }) => channels.map(({ id, name }) => [id, `#${name}`])));
  if (choices?.length) return choice(choices.map((each) => [each.value, localized(each, 'name')]));
  const input = make('input');
  if (type === optionTypes.file) input.type = 'file';
  else if (type === optionTypes.integer || type === optionTypes.number) input.type = 'number';
  else input.size = 12;
  if (maxLength) input.maxLength = maxLength;
  return input;
}

const choice = (entries) => make('select', '', ...entries.map(([value, name]) => new Option(name, value)));

async function collected(fields) {
  const options = {};
  for (const [name, { option, input }] of fields) {
    if (option.type === optionTypes.file) {
      if (input.files[0]) options[name] = await packed(input.files[0]);
    } else if (input.value !== '') options[name] = typedValue(option, input.value);
  }
  return options;
}

function typedValue({ type }, text) {
  if (type === optionTypes.boolean) return text === 'true';
  return type === optionTypes.integer || type === optionTypes.number ? Number(text) : text;
}

/** Asks the bot what could stand here, a little after the last key. */
function watch(command, option, input, { fields, suggestions }) {
  if (!option.autocomplete) {
    input.addEventListener('focus', () => show(suggestions, []));
    return;
  }
  let timer;
  let asked = 0;
  const ask = async () => {
    asked += 1;
    const mine = asked;
    const others = await collected(new Map([...fields].filter(([name]) => name !== option.name)));
    const options = { ...others, [option.name]: input.value };
    const { choices } = await act('complete', { command: command.path, options, focused: option.name }).catch(() => ({
      choices: [],
    }));
    if (mine !== asked || document.activeElement !== input) return;
    show(
      suggestions,
      choices.map((each) => ({
        title: each.name,
        pick: () => {
          input.value = each.value;
          input.focus();
          show(suggestions, []);
        },
      })),
      t('noSuggestions'),
    );
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  };
  input.addEventListener('input', soon);
  input.addEventListener('focus', soon);
}

/** A list above the composer; each entry has a title, perhaps a note, and what picking it does. */
export function show(suggestions, entries, otherwise) {
  const rows = entries.map(({ title, note, pick }) => {
    const row = make('button', 'suggestion', make('b', '', title), note && make('span', '', note));
    row.type = 'button';
    row.addEventListener('mousedown', (event) => event.preventDefault());
    row.addEventListener('click', pick);
    return row;
  });
  const empty = entries.length === 0 && otherwise ? [make('p', 'none', otherwise)] : [];
  suggestions.replaceChildren(...rows, ...empty);
  rows[0]?.classList.add('marked');
  suggestions.hidden = rows.length + empty.length === 0;
}

/** Picks the marked one. @returns whether there was one */
export function pickFirst(suggestions) {
  const marked = suggestions.querySelector('.marked');
  marked?.click();
  return marked !== null;
}

/** Moves the mark by one. */
export function moveMark(suggestions, step) {
  const rows = [...suggestions.querySelectorAll('.suggestion')];
  const at = rows.findIndex((row) => row.classList.contains('marked'));
  const next = rows[(at + step + rows.length) % rows.length];
  rows[at]?.classList.remove('marked');
  next?.classList.add('marked');
  next?.scrollIntoView({ block: 'nearest' });
}
