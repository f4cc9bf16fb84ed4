// Buttons, menus and pop-ups.
import { act, make } from './api.js';
import { markdown } from './markdown.js';
import { t } from './text.js';

const types = { row: 1, button: 2, select: 3, textInput: 4, text: 10, container: 17, label: 18 };
const styles = ['', 'primary', 'secondary', 'success', 'danger', 'link'];

export const componentRows = (message) => (message.components ?? []).map((component) => draw(component, message));

function draw(component, message) {
  switch (component.type) {
    case types.button:
      return button(component, message);
    case types.select:
      return select(component, message);
    case types.text:
      return make('div', 'text', ...markdown(component.content));
    default: {
      const children = (component.components ?? []).map((child) => draw(child, message));
      const accessory = component.accessory && draw(component.accessory, message);
      return make('div', component.type === types.row ? 'buttons' : 'box', ...children, accessory);
    }
  }
}

function button({ label, emoji, style, disabled, url, custom_id: customId }, message) {
  const text = [emoji?.name, label].filter(Boolean).join(' ');
  const element = make('button', `button ${styles[style] ?? ''}`, url ? `${text} ↗` : text);
  element.type = 'button';
  element.disabled = disabled === true;
  element.addEventListener('click', () =>
    url ? window.open(url, '_blank', 'noreferrer') : use(element, { message: message.id, customId }),
  );
  return element;
}

function select({ options = [], placeholder, custom_id: customId, disabled }, message) {
  const element = make('select', 'menu', new Option(placeholder ?? t('choose'), ''));
  for (const { label, value } of options) element.append(new Option(label, value));
  element.disabled = disabled === true;
  element.addEventListener('change', () => use(element, { message: message.id, customId, values: [element.value] }));
  return element;
}

/** Waits for the bot as the real client does, and says when it does not answer. */
async function use(element, body) {
  element.classList.add('waiting');
  try {
    await showAnswer(await act('press', body));
  } catch (error) {
    element.after(make('span', 'failed', error.message));
  } finally {
    element.classList.remove('waiting');
  }
}

/** An answer is seen in the messages, unless it is a pop-up. */
export async function showAnswer({ modal, token }) {
  if (!modal) return;
  const dialog = document.querySelector('#dialog');
  const form = make('form', '', make('h2', '', modal.title), ...modal.components.map(modalField));
  form.method = 'dialog';
  const cancel = make('button', 'button secondary', t('cancel'));
  cancel.type = 'button';
  cancel.addEventListener('click', () => dialog.close());
  form.append(make('div', 'buttons', cancel, make('button', 'button primary', t('submit'))));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    try {
      const answer = await act('submit', { token, values });
      dialog.close();
      await showAnswer(answer);
    } catch (error) {
      form.append(make('p', 'failed', error.message));
    }
  });
  dialog.replaceChildren(form);
  dialog.showModal();
}

function modalField(component) {
  if (component.type === types.text) return make('div', 'text', ...markdown(component.content));
  const input = component.component ?? component.components?.[0];
  const label = make(
    'label',
    '',
    make('b', '', component.label ?? input.label ?? ''),
    component.description && make('small', '', component.description),
  );
  const element = input.type === types.select ? make('select') : make(input.style === 2 ? 'textarea' : 'input');
  for (const { label: name, value } of input.options ?? []) element.append(new Option(name, value));
  element.name = input.custom_id;
  if (input.type === types.textInput) {
    Object.assign(element, {
      value: input.value ?? '',
      placeholder: input.placeholder ?? '',
      required: input.required !== false,
    });
    if (input.max_length) element.maxLength = input.max_length;
    if (input.style === 2) element.rows = 8;
  }
  label.append(element);
  return label;
}
