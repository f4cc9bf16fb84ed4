import { type APIModalInteractionResponseCallbackData, ComponentType } from 'discord-api-types/v10';
import { type Fields, isFields } from './form.ts';

type Values = Readonly<Record<string, string | readonly string[]>>;

/**
 * What a client sends for a filled-in pop-up; fields that were not touched have the value they came with.
 * https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-modal-submit-data-structure
 * @throws an Error for a value without a field, and for a field that does not take its value
 */
export function modalData(modal: APIModalInteractionResponseCallbackData, values: Values): unknown {
  const seen = new Set<string>();
  const field = (component: Fields): unknown => {
    const customId = String(component['custom_id']);
    seen.add(customId);
    const given = values[customId];
    const base = { type: component['type'], id: component['id'] ?? 0, custom_id: customId };
    if (component['type'] !== ComponentType.TextInput) return { ...base, values: given ?? [] };
    return { ...base, value: checkedText(component, customId, String(given ?? component['value'] ?? '')) };
  };
  const components = (modal.components as readonly unknown[]).filter(isFields).map((component) => {
    const base = { type: component['type'], id: component['id'] ?? 0 };
    if (isFields(component['component'])) return { ...base, component: field(component['component']) };
    const children = Array.isArray(component['components']) ? component['components'].filter(isFields) : [];
    return { ...base, ...(children.length > 0 ? { components: children.map(field) } : {}) };
  });
  const stray = Object.keys(values).find((customId) => !seen.has(customId));
  if (stray !== undefined) throw new Error(`the modal has no field ${stray}; there are ${[...seen].join(', ')}`);
  return { custom_id: modal.custom_id, components };
}

function checkedText(input: Fields, customId: string, text: string): string {
  const [min, max] = [Number(input['min_length'] ?? 0), Number(input['max_length'] ?? 4000)];
  if (text === '' && input['required'] === false) return text;
  if (text === '') throw new Error(`field ${customId} is required`);
  if (text.length < min || text.length > max) throw new Error(`field ${customId} takes ${min} to ${max} characters`);
  return text;
}
