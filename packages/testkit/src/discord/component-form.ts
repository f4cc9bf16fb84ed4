import { ButtonStyle, ComponentType } from 'discord-api-types/v10';
import { type Fields, type Form, isFields, type Path } from './form.ts';

interface Checking {
  readonly form: Form;
  readonly customIds: Set<string>;
  count: number;
}

/** Buttons, select menus, rows, and with `v2` the layout components. https://discord.com/developers/docs/components/reference */
export function checkComponents(form: Form, path: Path, value: unknown, v2: boolean): void {
  const checking: Checking = { form, customIds: new Set(), count: 0 };
  const top = v2 ? [...layoutTypes, ComponentType.ActionRow] : [ComponentType.ActionRow];
  for (const [index, component] of form.list(path, value, v2 ? 40 : 5).entries()) {
    if (form.oneOf([...path, index, 'type'], component['type'], top)) check(checking, [...path, index], component);
  }
  if (checking.count > 40) {
    form.add(path, 'COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED', 'The total number of components cannot exceed 40');
  }
}

/** A pop-up of 1 to 5 rows or labels. https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-modal */
export function checkModal(form: Form, path: Path, value: unknown): void {
  const modal: Fields = isFields(value) ? value : {};
  form.text([...path, 'custom_id'], modal['custom_id'], { min: 1, max: 100 });
  form.text([...path, 'title'], modal['title'], { min: 1, max: 45 });
  const components = form.list([...path, 'components'], modal['components'], 5);
  if (components.length === 0) form.add([...path, 'components'], 'BASE_TYPE_REQUIRED', 'This field is required');
  const checking: Checking = { form, customIds: new Set(), count: 0 };
  const allowed = [ComponentType.ActionRow, ComponentType.Label, ComponentType.TextDisplay];
  for (const [index, component] of components.entries()) {
    const at = [...path, 'components', index];
    if (form.oneOf([...at, 'type'], component['type'], allowed)) check(checking, at, component);
  }
}

const layoutTypes: readonly ComponentType[] = [
  ComponentType.Section,
  ComponentType.TextDisplay,
  ComponentType.MediaGallery,
  ComponentType.File,
  ComponentType.Separator,
  ComponentType.Container,
];

type Check = (checking: Checking, path: Path, component: Fields) => void;

const customIdOnly: Check = (checking, path, component) => checkCustomId(checking, path, component['custom_id']);

const checks: Readonly<Partial<Record<number, Check>>> = {
  [ComponentType.ActionRow]: checkRow,
  [ComponentType.Button]: checkButton,
  [ComponentType.StringSelect]: checkSelect,
  [ComponentType.TextInput]: checkTextInput,
  [ComponentType.Label]: checkLabel,
  [ComponentType.TextDisplay]: ({ form }, path, { content }) =>
    form.text([...path, 'content'], content, { min: 1, max: 4000 }),
  [ComponentType.FileUpload]: customIdOnly,
  [ComponentType.UserSelect]: customIdOnly,
  [ComponentType.RoleSelect]: customIdOnly,
  [ComponentType.MentionableSelect]: customIdOnly,
  [ComponentType.ChannelSelect]: customIdOnly,
};

function check(checking: Checking, path: Path, component: Fields): void {
  checking.count += 1;
  const known = checks[Number(component['type'])] ?? checkLayout;
  known(checking, path, component);
}

function checkLayout(checking: Checking, path: Path, { components, accessory }: Fields): void {
  for (const [index, child] of checking.form.list([...path, 'components'], components, 40).entries()) {
    check(checking, [...path, 'components', index], child);
  }
  if (isFields(accessory)) check(checking, [...path, 'accessory'], accessory);
}

function checkLabel(checking: Checking, path: Path, { label, description, component }: Fields): void {
  checking.form.text([...path, 'label'], label, { min: 1, max: 45 });
  checking.form.text([...path, 'description'], description, { max: 100 });
  if (isFields(component)) check(checking, [...path, 'component'], component);
  else checking.form.add([...path, 'component'], 'BASE_TYPE_REQUIRED', 'This field is required');
}

function checkRow(checking: Checking, path: Path, row: Fields): void {
  const children = checking.form.list([...path, 'components'], row['components'], 5);
  if (children.length === 0) {
    checking.form.add([...path, 'components'], 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 5 in length.');
  }
  if (children.length > 1 && children.some(({ type }) => type !== ComponentType.Button)) {
    const message = 'The specified component exceeds the maximum width';
    checking.form.add([...path, 'components'], 'COMPONENT_LAYOUT_WIDTH_EXCEEDED', message);
  }
  for (const [index, child] of children.entries()) check(checking, [...path, 'components', index], child);
}

function checkButton(checking: Checking, path: Path, button: Fields): void {
  const { form } = checking;
  form.text([...path, 'label'], button['label'], { max: 80 });
  if (!button['label'] && !button['emoji']) {
    form.add(path, 'BUTTON_COMPONENT_MISSING_LABEL_OR_EMOJI', 'A button must have a label or an emoji');
  }
  const style = button['style'];
  if (!form.oneOf([...path, 'style'], style, [1, 2, 3, 4, 5])) return;
  if (style !== ButtonStyle.Link) checkCustomId(checking, path, button['custom_id']);
  else form.text([...path, 'url'], button['url'], { min: 1, max: 512, pattern: /^(https?|discord):\/\// });
}

function checkSelect(checking: Checking, path: Path, select: Fields): void {
  const { form } = checking;
  checkCustomId(checking, path, select['custom_id']);
  form.text([...path, 'placeholder'], select['placeholder'], { max: 150 });
  const options = form.list([...path, 'options'], select['options'], 25);
  if (options.length === 0)
    form.add([...path, 'options'], 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 25 in length.');
  for (const [index, option] of options.entries()) {
    for (const [key, min] of [
      ['label', 1],
      ['value', 1],
      ['description', 0],
    ] as const) {
      form.text([...path, 'options', index, key], option[key], { min, max: 100 });
    }
  }
}

function checkTextInput(checking: Checking, path: Path, input: Fields): void {
  const { form } = checking;
  checkCustomId(checking, path, input['custom_id']);
  form.oneOf([...path, 'style'], input['style'], [1, 2]);
  form.text([...path, 'label'], input['label'], { max: 45 });
  form.text([...path, 'placeholder'], input['placeholder'], { max: 100 });
  form.text([...path, 'value'], input['value'], { max: 4000 });
}

function checkCustomId({ form, customIds }: Checking, path: Path, value: unknown): void {
  form.text([...path, 'custom_id'], value, { min: 1, max: 100 });
  if (typeof value !== 'string') return;
  if (customIds.has(value)) {
    form.add([...path, 'custom_id'], 'COMPONENT_CUSTOM_ID_DUPLICATED', 'Component custom id cannot be duplicated');
  }
  customIds.add(value);
}
