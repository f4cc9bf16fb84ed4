import { CardFault } from './card-fault.ts';
import { type Fields, fieldsAt, isFields, listOf, textOf } from './fields.ts';

type Check = (element: Fields, path: string) => void;

const fine: Check = () => {};

/** Components of version 2.0, and what is held against each. https://open.feishu.cn/document/feishu-cards/card-json-v2-components/component-json-v2-overview */
const components: Readonly<Record<string, Check>> = {
  column_set: fine,
  column: fine,
  form: checkForm,
  interactive_container: checkBehaviors,
  collapsible_panel: checkPanel,
  div: checkDiv,
  markdown: checkMarkdown,
  img: (element, path) => demand(textOf(element['img_key']) !== '', "img's img_key is required", path),
  img_combination: fine,
  person: fine,
  person_list: fine,
  chart: fine,
  table: checkTable,
  hr: fine,
  button: checkButton,
  input: fine,
  overflow: fine,
  select_static: checkSelect,
  multi_select_static: checkSelect,
  select_person: fine,
  multi_select_person: fine,
  date_picker: fine,
  picker_time: fine,
  picker_datetime: fine,
  select_img: fine,
  checker: fine,
};

export const componentTags: ReadonlySet<string> = new Set(Object.keys(components));

/** @throws CardFault */
export function checkComponent(element: Fields, path: string): void {
  components[textOf(element['tag'])]?.(element, path);
}

function demand(fulfilled: boolean, message: string, path: string): void {
  if (!fulfilled) throw new CardFault(11310, message, { path });
}

function checkMarkdown(element: Fields, path: string): void {
  demand(typeof element['content'] === 'string', "markdown's content is required", path);
}

function checkDiv(element: Fields, path: string): void {
  const text = fieldsAt(element, 'text');
  const isText = ['plain_text', 'lark_md'].includes(textOf(text['tag'])) && typeof text['content'] === 'string';
  demand(isText || Array.isArray(element['fields']), "div's text is required", path);
}

const buttonTypes = [
  ...[
    'default',
    'primary',
    'danger',
    'text',
    'primary_text',
    'danger_text',
    'primary_filled',
    'danger_filled',
    'laser',
  ],
];

function checkButton(element: Fields, path: string): void {
  const { type } = element;
  demand(type === undefined || buttonTypes.includes(textOf(type)), `button type ${String(type)} is invalid`, path);
  const text = fieldsAt(element, 'text');
  const icon = isFields(element['icon']);
  demand(icon || typeof text['content'] === 'string', "button's text is required", path);
  const isSubmit = ['submit', 'reset'].includes(textOf(element['form_action_type']));
  demand(!isSubmit || textOf(element['name']) !== '', "form button's name is required", path);
  checkBehaviors(element, path);
}

function checkBehaviors(element: Fields, path: string): void {
  const { behaviors } = element;
  demand(behaviors === undefined || Array.isArray(behaviors), 'behaviors is invalid', path);
  for (const behavior of listOf(behaviors)) {
    const { type, value } = behavior;
    const isKnown = ['callback', 'open_url', 'form_action'].includes(textOf(type));
    demand(isKnown, `behavior type ${String(type)} is invalid`, path);
    const valued = isFields(value) || typeof value === 'string';
    demand(type !== 'callback' || valued, "callback's value is required", path);
    demand(type !== 'open_url' || textOf(behavior['default_url']) !== '', "open_url's default_url is required", path);
  }
}

function checkForm(element: Fields, path: string): void {
  demand(textOf(element['name']) !== '', "form's name is required and can not be empty string", path);
}

function checkPanel(element: Fields, path: string): void {
  const title = fieldsAt(fieldsAt(element, 'header'), 'title');
  demand(typeof title['content'] === 'string', "collapsible_panel's header title is required", path);
}

function checkSelect(element: Fields, path: string): void {
  const options = listOf(element['options']);
  const fit = options.every((option) => typeof option['value'] === 'string' && isFields(option['text']));
  demand(options.length > 0 && fit, 'select options is invalid', path);
}

function checkTable(element: Fields, path: string): void {
  const names = listOf(element['columns']).map((column) => textOf(column['name']));
  demand(names.length > 0 && !names.includes(''), 'table columns is invalid', path);
  if (!Array.isArray(element['rows'])) throw new CardFault(200914, 'table rows is invalid', { path });
  const strange = listOf(element['rows'])
    .flatMap((row) => Object.keys(row))
    .find((name) => !names.includes(name));
  if (strange !== undefined) throw new CardFault(200915, 'table rows name is invalid', { path, value: strange });
  const size = element['page_size'];
  demand(size === undefined || (Number(size) >= 1 && Number(size) <= 10), 'table page_size is invalid', path);
}
