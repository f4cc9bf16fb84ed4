import { type APIMessage, MessageFlags } from 'discord-api-types/v10';
import type { Channel, Person, StoredMessage } from '../model.ts';
import { may } from '../permissions.ts';
import type { Platform } from '../platform.ts';

/** What the page stands on. */
export type PagePlatform = Pick<
  Platform,
  'settings' | 'world' | 'changes' | 'messages' | 'people' | 'commands' | 'interactions'
>;

/** What the page shows, as JSON. */
export interface PageViews {
  state(user: string): unknown;
  messages(user: string, channel: string): readonly MessageView[];
  commands(channel: string): unknown;
  message(message: StoredMessage): MessageView;
}

export interface MessageView {
  readonly id: string;
  readonly channel: string;
  readonly author: { readonly id: string; readonly name: string; readonly bot: boolean; readonly color: number };
  readonly content: string;
  readonly embeds: APIMessage['embeds'];
  readonly components: APIMessage['components'];
  readonly attachments: APIMessage['attachments'];
  readonly reactions: APIMessage['reactions'];
  readonly at: string;
  readonly edited: boolean;
  readonly loading: boolean;
  readonly ephemeral: boolean;
  /** Pings whoever looks at it. */
  readonly mentions: readonly string[];
  readonly mentionsEveryone: boolean;
  readonly replyTo: { readonly id: string; readonly author: string; readonly content: string } | undefined;
  /** Who used the command that it answers. */
  readonly askedBy: string | undefined;
  readonly thread: { readonly id: string; readonly name: string } | undefined;
}

export function createPageViews({ settings, world, messages, people, commands }: PagePlatform): PageViews {
  const nameOf = (id: string): string => {
    const user = world.findUser(id);
    return user?.global_name ?? user?.username ?? id;
  };
  const channelView = (channel: Channel): unknown => ({
    id: channel.id,
    name: channel.name,
    topic: channel.topic,
    archived: channel.thread?.archived ?? false,
  });
  const placesOf = (person: Person): unknown[] => {
    const visible = world.channels().filter((channel) => channel.guild && may(channel, person.user.id, 'ViewChannel'));
    return world.guilds.flatMap((guild) => {
      const channels = visible.filter((channel) => channel.guild === guild && !channel.thread);
      if (channels.length === 0) return [];
      const withThreads = channels.map((channel) => ({
        ...(channelView(channel) as object),
        threads: visible.filter(({ parent }) => parent === channel).map(channelView),
      }));
      return [{ id: guild.id, name: guild.name, channels: withThreads }];
    });
  };
  const message = ({ api, channel, onlyFor }: StoredMessage): MessageView => {
    const { referenced_message: referenced, interaction_metadata: asked } = api;
    const thread = world.findChannel(api.thread?.id ?? '');
    return {
      id: api.id,
      channel: channel.id,
      author: {
        id: api.author.id,
        name: nameOf(api.author.id),
        bot: api.author.bot ?? false,
        color: colorOf(channel, api.author.id),
      },
      content: api.content,
      embeds: api.embeds,
      components: api.components,
      attachments: api.attachments,
      reactions: api.reactions,
      at: api.timestamp,
      edited: api.edited_timestamp !== null,
      loading: (Number(api.flags) & MessageFlags.Loading) !== 0,
      ephemeral: onlyFor !== undefined,
      mentions: api.mentions.map(({ id }) => id),
      mentionsEveryone: api.mention_everyone,
      replyTo: referenced
        ? { id: referenced.id, author: nameOf(referenced.author.id), content: referenced.content }
        : undefined,
      askedBy: asked && !referenced ? nameOf(asked.user.id) : undefined,
      thread: thread ? { id: thread.id, name: thread.name } : undefined,
    };
  };
  return {
    state(user) {
      const person = world.person(user);
      return {
        me: person.user.id,
        bot: { id: world.bot.id, name: world.bot.username },
        users: [...world.people.map((each) => each.user), world.bot].map(({ id, username }) => ({
          id,
          username,
          name: nameOf(id),
          bot: id === world.bot.id,
        })),
        roles: world.guilds.flatMap((guild) =>
          [...guild.roles.values()].map(({ id, name, color }) => ({ id, name, color })),
        ),
        guilds: placesOf(person),
        dm: world.openDm(person.user.id).id,
        hints: settings.hints,
      };
    },
    messages(user, channel) {
      const person = world.person(user);
      const all = messages.all(world.channel(channel)).filter((each) => people.sees(person, each));
      return all.slice(-200).map(message);
    },
    commands: (channel) => commands.visibleIn(world.channel(channel).guild?.id),
    message,
  };
}

/** Of the highest role that has one. */
function colorOf({ guild }: Channel, userId: string): number {
  const roles = (guild?.members.get(userId)?.roles ?? []).map((id) => guild?.roles.get(id));
  return roles.reduce((color, role) => role?.color || color, 0);
}
