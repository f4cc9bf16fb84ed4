import type { IncomingCommand } from '@moltbot/chat';
import {
  type APIModalInteractionResponseCallbackData,
  type APIModalSubmission,
  ComponentType,
  TextInputStyle,
} from 'discord-api-types/v10';
import { say, texts } from './texts.ts';

type Options = IncomingCommand['options'];

const verb = 'script';
const idPrefix = 'form:script';

/** A `/script` that lacks the script or its targets asks for them. */
export const asksForScript = ({ verb: said, options, attachments }: Omit<IncomingCommand, 'kind'>): boolean =>
  said === verb && attachments.length === 0 && (options['text'] === undefined || options['on'] === undefined);

/** A form for a script and its targets. Options that were given already come back with it. */
export function scriptForm(options: Options, locale: string): APIModalInteractionResponseCallbackData {
  const { on, text, ...others } = options;
  const written = Object.entries(others).map(([name, value]): [string, string] => [name, String(value)]);
  const carried = new URLSearchParams(written).toString();
  const id = `${idPrefix}?${carried}`;
  return {
    // What does not fit is left out; targets always fit, as they have a field of their own.
    custom_id: id.length <= 100 ? id : idPrefix,
    title: say(texts.scriptTitle, locale),
    components: [
      {
        type: ComponentType.Label,
        label: say(texts.targets, locale),
        component: {
          ...{ type: ComponentType.TextInput, custom_id: 'on', style: TextInputStyle.Short, required: true },
          ...{ placeholder: say(texts.targetsHint, locale), max_length: 1_000 },
          ...(on === undefined || on === '' ? {} : { value: String(on).slice(0, 1_000) }),
        },
      },
      {
        type: ComponentType.Label,
        label: say(texts.script, locale),
        component: {
          ...{ type: ComponentType.TextInput, custom_id: 'text', style: TextInputStyle.Paragraph, required: true },
          max_length: 4_000,
          ...(text === undefined || text === '' ? {} : { value: String(text).slice(0, 4_000) }),
        },
      },
    ],
  };
}

/** What was filled in, as a command; undefined for a form that is not ours. */
export function formToCommand({
  custom_id: id,
  components,
}: APIModalSubmission): Omit<IncomingCommand, 'kind'> | undefined {
  if (id !== idPrefix && !id.startsWith(`${idPrefix}?`)) return undefined;
  const fields = (components as readonly unknown[]).flatMap(fieldsIn);
  const carried = Object.fromEntries(new URLSearchParams(id.slice(idPrefix.length + 1)));
  return { verb, options: { ...carried, ...Object.fromEntries(fields) }, attachments: [] };
}

/** In labels and in rows. */
function fieldsIn(component: unknown): [string, string][] {
  if (typeof component !== 'object' || component === null) return [];
  const { custom_id: id, value, component: inner, components } = component as Readonly<Record<string, unknown>>;
  if (typeof id === 'string' && typeof value === 'string') return [[id, value]];
  return [inner, ...(Array.isArray(components) ? components : [])].flatMap(fieldsIn);
}
