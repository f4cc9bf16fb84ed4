import { type APIMessage, ButtonStyle, ComponentType } from 'discord-api-types/v10';
import type { Files } from './files.ts';
import { isFields } from './form.ts';
import { isLoading } from './messages.ts';
import type { MessageVersion, StoredMessage } from './model.ts';
import type { World } from './world.ts';

/** A message as a test looks at it. */
export interface DiscordMessage {
  readonly id: string;
  readonly channelId: string;
  /** `ops`; empty for direct messages. */
  readonly channel: string;
  /** Username. */
  readonly author: string;
  readonly content: string;
  readonly embeds: APIMessage['embeds'];
  readonly buttons: readonly DiscordButton[];
  readonly files: readonly DiscordFile[];
  /** The bot "is thinking". */
  readonly loading: boolean;
  /** Username of the only one who sees it. */
  readonly ephemeralFor: string | undefined;
  readonly replyTo: string | undefined;
  /** Of the thread that was opened from it. */
  readonly threadId: string | undefined;
  readonly nonce: string | number | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The first is how it was sent, the last how it is now. */
  readonly versions: readonly MessageVersion[];
  readonly deleted: boolean;
  /** As the API has it. */
  readonly api: APIMessage;
}

export interface DiscordButton {
  readonly label: string;
  /** Empty for a link. */
  readonly customId: string;
  readonly style: ButtonStyle;
  readonly disabled: boolean;
  readonly url: string | undefined;
}

export interface DiscordFile {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly url: string;
  data(): Buffer;
  text(): string;
}

/** A snapshot: later edits do not change it. */
export function viewOf(
  message: StoredMessage,
  { world, files }: { readonly world: World; readonly files: Files },
): DiscordMessage {
  const { api, channel, onlyFor, versions, deletedAt } = message;
  return {
    id: api.id,
    channelId: channel.id,
    channel: channel.name,
    author: api.author.username,
    content: api.content,
    embeds: api.embeds,
    buttons: componentsIn(api.components ?? []).flatMap(buttonOf),
    files: api.attachments.map(({ id, filename, size, url, content_type: type = '' }) => {
      const data = (): Buffer => files.read(id) ?? Buffer.alloc(0);
      return { id, name: filename, type, size, url, data, text: () => data().toString() };
    }),
    loading: isLoading(message),
    ephemeralFor: onlyFor === undefined ? undefined : world.findUser(onlyFor)?.username,
    replyTo: api.message_reference?.message_id,
    threadId: api.thread?.id,
    nonce: api.nonce,
    at: Date.parse(api.timestamp),
    versions: [...versions],
    deleted: deletedAt !== undefined,
    api: { ...api },
  };
}

/** All of them, at any depth. */
export function componentsIn(components: readonly unknown[]): readonly Readonly<Record<string, unknown>>[] {
  return components.filter(isFields).flatMap((component) => {
    const children = Array.isArray(component['components']) ? component['components'] : [];
    const inner = [component['accessory'], component['component']].filter(isFields);
    return [component, ...componentsIn([...children, ...inner])];
  });
}

function buttonOf(component: Readonly<Record<string, unknown>>): DiscordButton[] {
  if (component['type'] !== ComponentType.Button) return [];
  const { label, custom_id: customId, style, disabled, url } = component;
  return [
    {
      label: String(label ?? ''),
      customId: String(customId ?? ''),
      style: Number(style ?? ButtonStyle.Secondary),
      disabled: disabled === true,
      url: typeof url === 'string' ? url : undefined,
    },
  ];
}
