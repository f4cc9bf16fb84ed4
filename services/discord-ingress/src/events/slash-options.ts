import type { Attachment, IncomingCommand } from '@moltbot/chat';
import {
  type APIApplicationCommandInteractionDataOption,
  type APIAttachment,
  ApplicationCommandOptionType,
  type InteractionType,
} from 'discord-api-types/v10';

type Option = APIApplicationCommandInteractionDataOption<
  InteractionType.ApplicationCommand | InteractionType.ApplicationCommandAutocomplete
>;

/** What was typed into a command's options. Users, roles and channels are asked for by none of ours. */
export function optionsOf(options: readonly Option[]): IncomingCommand['options'] {
  return Object.fromEntries(
    options.flatMap((option) => {
      const isValue = 'value' in option && option.type !== ApplicationCommandOptionType.Attachment;
      return isValue ? [[option.name, option.value] as const] : [];
    }),
  );
}

export function attachmentsOf(
  options: readonly Option[],
  resolved: Readonly<Record<string, APIAttachment>> | undefined,
): Attachment[] {
  return options.flatMap((option) => {
    const file = option.type === ApplicationCommandOptionType.Attachment ? resolved?.[option.value] : undefined;
    return file ? [{ id: file.url, name: file.filename, bytes: file.size }] : [];
  });
}

/** What is being written. */
export function focusedOf(options: readonly Option[]): { readonly name: string; readonly typed: string } | undefined {
  const focused = options.find((option) => 'focused' in option && option.focused === true);
  return focused && 'value' in focused ? { name: focused.name, typed: String(focused.value) } : undefined;
}
