import { isDeepStrictEqual } from 'node:util';
import { elementsOf } from './card-walk.ts';
import { type Fields, fieldsAt, isFields, listOf, textOf } from './fields.ts';

/** A button of a card, as a test looks at it. */
export interface LarkButton {
  /** In the language that the card was looked at in. */
  readonly label: string;
  readonly name: string;
  readonly elementId: string;
  /** `default`, `primary`, `danger`, … */
  readonly type: string;
  readonly disabled: boolean;
  /** What its callback carries; nothing without a callback. */
  readonly value: Fields | string | undefined;
  /** Empty without a link. */
  readonly url: string;
  /** Whether it sends the form it stands in. */
  readonly submits: boolean;
}

/** A text object in a language. */
export function localText(text: Fields, locale: string): string {
  return textOf(fieldsAt(text, 'i18n_content')[locale]) || textOf(text['content']);
}

export function buttonsOf(card: Fields, locale: string): readonly LarkButton[] {
  return elementsOf(card).flatMap(({ tag, element }) => (tag === 'button' ? [buttonOf(element, locale)] : []));
}

function buttonOf(element: Fields, locale: string): LarkButton {
  const behaviors = listOf(element['behaviors']);
  const callback = behaviors.find(({ type }) => type === 'callback');
  const { value } = callback ?? {};
  return {
    label: localText(fieldsAt(element, 'text'), locale),
    name: textOf(element['name']),
    elementId: textOf(element['element_id']),
    type: textOf(element['type']) || 'default',
    disabled: element['disabled'] === true,
    value: isFields(value) || typeof value === 'string' ? value : undefined,
    url: textOf(behaviors.find(({ type }) => type === 'open_url')?.['default_url']),
    submits: element['form_action_type'] === 'submit',
  };
}

/** A button by its label, name or element id; or by what its callback carries, of which a part will do. @throws an Error that lists what there is */
export function findButton(buttons: readonly LarkButton[], wanted: string | Fields): LarkButton {
  const fits = ({ label, name, elementId, value }: LarkButton): boolean => {
    if (typeof wanted === 'string') return [label, name, elementId, value].includes(wanted);
    return isFields(value) && Object.entries(wanted).every(([key, part]) => isDeepStrictEqual(value[key], part));
  };
  const [found, ...more] = buttons.filter(fits);
  const labels = buttons.map(({ label }) => label).join(', ');
  const what = typeof wanted === 'string' ? wanted : JSON.stringify(wanted);
  if (!found) throw new Error(`the card has no button ${what}; it has: ${labels}`);
  if (more.length > 0) throw new Error(`the card has ${more.length + 1} buttons ${what}`);
  if (found.disabled) throw new Error(`button ${found.label} is disabled`);
  return found;
}

/** Menus, by the name of the component. */
export function optionsOf(card: Fields, name: string): readonly string[] {
  const menu = elementsOf(card).find(
    ({ tag, element }) => tag.includes('select_static') && [element['name'], element['element_id']].includes(name),
  );
  if (!menu) throw new Error(`the card has no menu ${name}`);
  return listOf(menu.element['options']).map(({ value }) => textOf(value));
}
