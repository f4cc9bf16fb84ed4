import { type APIEmbed, type APIMessage, type APIUser, MessageFlags, type MessageType } from 'discord-api-types/v10';
import { refusal } from './api-error.ts';
import type { Files, UploadedFile } from './files.ts';
import { type Fields, isFields } from './form.ts';
import { findMentions } from './mentions.ts';
import { checkMessage, messageFlags, trimmed } from './message-form.ts';
import type { MessagePatch, Messages } from './messages.ts';
import { type Channel, noFlags, type StoredMessage } from './model.ts';
import type { World } from './world.ts';

export interface Writing {
  readonly body: Fields;
  readonly files: readonly UploadedFile[];
  readonly channel: Channel;
  readonly author: APIUser;
  /** Messages of interactions and webhooks ping users alone, unless they say more. */
  readonly from: 'channel' | 'interaction';
  readonly type?: MessageType;
  readonly reference?: StoredMessage;
  readonly onlyFor?: string;
  readonly origin?: Pick<APIMessage, 'interaction_metadata' | 'application_id' | 'webhook_id'>;
  /** Where the message stands in the request's body, for the tree of errors. */
  readonly at?: readonly string[];
}

/** Makes and changes messages from the bodies of requests. */
export interface MessageWriter {
  /** @throws ApiError when the body is not right */
  write(writing: Writing): StoredMessage;
  /** Changes what the body names. @throws as above */
  rewrite(message: StoredMessage, body: Fields, options?: RewriteOptions): void;
}

export interface RewriteOptions {
  readonly files?: readonly UploadedFile[];
  readonly at?: readonly string[];
}

interface Deps {
  readonly world: World;
  readonly messages: Messages;
  readonly files: Files;
}

export function createMessageWriter({ world, messages, files }: Deps): MessageWriter {
  return {
    write(writing) {
      const { body, channel, author, onlyFor, type, reference, origin } = writing;
      const ephemeral = onlyFor === undefined ? 0 : MessageFlags.Ephemeral;
      checkMessage({
        body,
        files: writing.files.length,
        flags: messageFlags | (writing.from === 'interaction' ? MessageFlags.Ephemeral : 0),
        mustSayAnything: true,
        at: writing.at ?? [],
      });
      const attachments = files.attach(writing.files, body, { channelId: channel.id, ephemeral: ephemeral !== 0 });
      const flags = Number(body['flags'] ?? 0);
      const content = textOf(body['content']);
      const components = numbered(body['components']);
      const mentions = findMentions(
        {
          content: [content, ...shownTexts(components)].join('\n'),
          allowed: body['allowed_mentions'],
          defaults: writing.from === 'channel' ? ['users', 'roles', 'everyone'] : ['users'],
          authorId: author.id,
          channel,
          repliedTo: reference?.api.author.id,
          flags,
        },
        world,
      );
      return messages.post({
        channel,
        author,
        mentions,
        content,
        embeds: embedsOf(body['embeds'], attachments),
        components,
        attachments,
        flags: flags | ephemeral,
        ...(type === undefined ? {} : { type }),
        ...(reference ? { reference } : {}),
        ...(onlyFor === undefined ? {} : { onlyFor }),
        ...(origin ? { origin } : {}),
        ...nonceOf(body['nonce']),
      });
    },
    rewrite(message, body, { files: uploads = [], at = [] } = {}) {
      checkMessage({ body, files: uploads.length, flags: messageFlags, mustSayAnything: false, at });
      const where = { channelId: message.channel.id, ephemeral: message.onlyFor !== undefined };
      const attachments = [...keptFiles(message.api, body), ...files.attach(uploads, body, where)];
      const patch: MessagePatch = {
        attachments,
        ...('content' in body ? { content: textOf(body['content']) } : {}),
        ...('embeds' in body ? { embeds: embedsOf(body['embeds'], attachments) } : {}),
        ...('components' in body ? { components: numbered(body['components']) } : {}),
        flags: editedFlags(message.api, body),
      };
      const next = { ...message.api, ...patch };
      const says = next.content || next.embeds.length || next.components?.length || next.attachments.length;
      if (!says) throw refusal('emptyMessage');
      messages.edit(message, patch);
    },
  };
}

const textOf = (value: unknown): string => String(trimmed(value ?? ''));

const nonceOf = (value: unknown): { nonce?: string | number } =>
  typeof value === 'string' || typeof value === 'number' ? { nonce: value } : {};

/** An edit names the files that stay; one that names none at all keeps them. https://discord.com/developers/docs/reference#editing-message-attachments */
function keptFiles({ attachments }: APIMessage, body: Fields): APIMessage['attachments'] {
  const named = body['attachments'];
  if (!Array.isArray(named)) return named === null ? [] : attachments;
  const ids = named.filter(isFields).map(({ id }) => String(id));
  return attachments.filter(({ id }) => ids.includes(id));
}

/** A loading answer is one no more; the rest of the flags stays, but for those an edit may set. */
function editedFlags({ flags = noFlags }: APIMessage, body: Fields): number {
  const settable = MessageFlags.SuppressEmbeds | MessageFlags.IsComponentsV2;
  const kept = flags & ~MessageFlags.Loading;
  return body['flags'] === undefined
    ? kept
    : (kept & ~MessageFlags.SuppressEmbeds) | (Number(body['flags']) & settable);
}

/** Trimmed, always `rich`, and with the addresses of attached images. */
function embedsOf(value: unknown, attachments: APIMessage['attachments']): APIEmbed[] {
  if (!Array.isArray(value)) return [];
  const image = (picture: unknown): unknown => {
    if (!isFields(picture) || typeof picture['url'] !== 'string') return picture;
    const name = /^attachment:\/\/(.+)$/.exec(picture['url'])?.[1];
    return { ...picture, url: attachments.find(({ filename }) => filename === name)?.url ?? picture['url'] };
  };
  return value.filter(isFields).map((embed) => {
    const fields: unknown[] = Array.isArray(embed['fields']) ? embed['fields'] : [];
    return {
      ...embed,
      type: 'rich',
      ...('title' in embed ? { title: trimmed(embed['title']) } : {}),
      ...('description' in embed ? { description: trimmed(embed['description']) } : {}),
      ...('image' in embed ? { image: image(embed['image']) } : {}),
      ...('thumbnail' in embed ? { thumbnail: image(embed['thumbnail']) } : {}),
      ...('fields' in embed ? { fields: fields.filter(isFields).map((field) => ({ inline: false, ...field })) } : {}),
    } as APIEmbed;
  });
}

/** Components without an id get one by their place. https://discord.com/developers/docs/components/reference#anatomy-of-a-component */
function numbered(value: unknown): NonNullable<APIMessage['components']> {
  let last = 0;
  const number = (component: unknown): unknown => {
    if (!isFields(component)) return component;
    last += 1;
    const id = component['id'] ?? last;
    const children = component['components'];
    const accessory = component['accessory'];
    return {
      ...component,
      id,
      ...(Array.isArray(children) ? { components: children.map(number) } : {}),
      ...(accessory ? { accessory: number(accessory) } : {}),
    };
  };
  return (Array.isArray(value) ? value.map(number) : []) as NonNullable<APIMessage['components']>;
}

/** Texts of layout components, which mention as the content does. */
function shownTexts(components: readonly unknown[]): string[] {
  return components.filter(isFields).flatMap((component) => {
    const own = typeof component['content'] === 'string' ? [component['content']] : [];
    const children = Array.isArray(component['components']) ? shownTexts(component['components']) : [];
    return [...own, ...children];
  });
}
