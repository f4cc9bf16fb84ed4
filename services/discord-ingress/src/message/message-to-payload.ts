import type { ChatButton, ChatField, ChatMessage, Tone } from '@moltbot/chat';
import {
  type APIActionRowComponent,
  type APIButtonComponentWithCustomId,
  type APIEmbed,
  type APIEmbedField,
  ButtonStyle,
  ComponentType,
} from 'discord-api-types/v10';
import { descriptionOf } from './description.ts';
import { escaped, invisible, oneLine, plain } from './escape.ts';

/** What a message of ours is in a body of Discord; the rest of the body says how it is sent. */
export interface MessagePayload {
  readonly content: '';
  readonly embeds: [APIEmbed];
  readonly components: APIActionRowComponent<APIButtonComponentWithCustomId>[];
  readonly allowed_mentions: { readonly parse: [] };
}

const colors: Readonly<Record<Tone, number>> = {
  working: 0x3498db,
  success: 0x2ecc71,
  failure: 0xe74c3c,
  warning: 0xf1c40f,
  neutral: 0x95a5a6,
};

const styles = {
  primary: ButtonStyle.Primary,
  neutral: ButtonStyle.Secondary,
  danger: ButtonStyle.Danger,
} as const;

/** https://discord.com/developers/docs/resources/message#embed-object-embed-limits; `fields` are ours of the total. */
const limits = { total: 6_000, description: 4_096, title: 256, footer: 300, fields: 1_800, fieldCount: 25 } as const;

/** One embed with everything in it, and rows of buttons. Pure; within every documented limit, whatever the message is. */
export function messageToPayload(message: ChatMessage): MessagePayload {
  const title = escaped(oneLine(message.title ?? ''), limits.title);
  const footer = plain(oneLine(message.footer ?? ''), limits.footer);
  const fields = fieldsOf(message.fields ?? []);
  const used =
    title.length + footer.length + fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
  const description = descriptionOf(message, Math.min(limits.description, limits.total - used));
  const isEmpty = title === '' && footer === '' && fields.length === 0 && description === '';
  const embed: APIEmbed = {
    color: colors[message.tone],
    ...(title === '' ? {} : { title }),
    ...(description === '' && !isEmpty ? {} : { description: description || invisible }),
    ...(fields.length === 0 ? {} : { fields }),
    ...(footer === '' ? {} : { footer: { text: footer } }),
  };
  return { content: '', embeds: [embed], components: rowsOf(message.buttons ?? []), allowed_mentions: { parse: [] } };
}

function fieldsOf(fields: readonly ChatField[]): APIEmbedField[] {
  const shown = fields.slice(0, limits.fieldCount);
  const room = Math.floor(limits.fields / Math.max(1, shown.length));
  return shown.map(({ name, value }) => {
    const title = escaped(oneLine(name), Math.min(100, Math.floor(room / 2))) || invisible;
    const text = escaped(value, Math.min(1_024, room - title.length)) || invisible;
    return { name: title, value: text, inline: text.length <= 40 };
  });
}

const perRow = 5;
const rows = 5;

function rowsOf(buttons: readonly ChatButton[]): MessagePayload['components'] {
  const known = new Map(buttons.filter(({ id }) => id !== '' && [...id].length <= 100).map((each) => [each.id, each]));
  const all = [...known.values()].slice(0, perRow * rows).map(buttonOf);
  return Array.from({ length: Math.ceil(all.length / perRow) }, (_, row) => ({
    type: ComponentType.ActionRow,
    components: all.slice(row * perRow, (row + 1) * perRow),
  }));
}

const buttonOf = ({ id, label, style }: ChatButton): APIButtonComponentWithCustomId => ({
  type: ComponentType.Button,
  custom_id: id,
  label: plain(oneLine(label), 80) || '…',
  style: styles[style],
});
