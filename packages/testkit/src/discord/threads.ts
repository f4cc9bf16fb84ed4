import { MessageFlags, MessageType, type ThreadAutoArchiveDuration } from 'discord-api-types/v10';
import { refusal } from './api-error.ts';
import type { Changes } from './changes.ts';
import { createForm } from './form.ts';
import type { Messages } from './messages.ts';
import type { Channel, StoredMessage } from './model.ts';
import { threadPayload } from './payloads.ts';
import type { Settings } from './settings.ts';
import type { World } from './world.ts';

export interface Threads {
  /** From a message, which then gives it its id, or from nothing. @throws ApiError */
  open(parent: Channel, body: Readonly<Record<string, unknown>>, opening: Opening): Channel;
  change(channel: Channel, body: Readonly<Record<string, unknown>>): void;
  archive(channel: Channel): void;
  stop(): void;
}

export interface Opening {
  readonly ownerId: string;
  readonly from?: StoredMessage;
}

interface Deps {
  readonly settings: Settings;
  readonly world: World;
  readonly messages: Messages;
  readonly changes: Changes;
  readonly newId: () => string;
}

const durations = [60, 1440, 4320, 10_080] as const;
const noMentions = { users: [], roles: [], everyone: false, pings: [] };

/** https://discord.com/developers/docs/topics/threads */
export function createThreads({ settings, world, messages, changes, newId }: Deps): Threads {
  const timers = new Map<string, NodeJS.Timeout>();

  const setArchived = (channel: Channel, archived: boolean): void => {
    if (!channel.thread || channel.thread.archived === archived) return;
    channel.thread.archived = archived;
    channel.thread.archiveChangedAt = new Date().toISOString();
    changes.ring({ kind: 'thread-updated', channel });
  };
  const keepOpen = (channel: Channel): void => {
    clearTimeout(timers.get(channel.id));
    const minutes = channel.thread?.archiveAfterMinutes ?? 0;
    const timer = setTimeout(() => setArchived(channel, true), minutes * settings.timing.archiveMinute);
    timers.set(channel.id, timer.unref());
  };
  const stopListening = changes.listen((change) => {
    const thread = change.kind === 'message-created' ? change.message.channel.thread : undefined;
    if (change.kind !== 'message-created' || !thread) return;
    thread.messageCount += change.message.api.type === MessageType.ThreadStarterMessage ? 0 : 1;
    // A message wakes an archived thread.
    setArchived(change.message.channel, false);
    keepOpen(change.message.channel);
  });

  return {
    open(parent, body, { ownerId, from }) {
      check(body);
      if (from && Number(from.api.flags) & MessageFlags.HasThread) throw refusal('threadExists');
      const createdAt = new Date().toISOString();
      const channel = world.openThread({
        parent,
        id: from?.api.id ?? newId(),
        name: String(body['name']),
        thread: {
          ownerId,
          createdAt,
          archived: false,
          locked: false,
          archiveAfterMinutes: durationOf(body) ?? 1440,
          archiveChangedAt: createdAt,
          messageCount: 0,
        },
      });
      changes.ring({ kind: 'thread-created', channel });
      keepOpen(channel);
      if (from) {
        Object.assign(from.api, {
          flags: Number(from.api.flags) | MessageFlags.HasThread,
          thread: threadPayload(channel),
        });
        changes.ring({ kind: 'message-edited', message: from });
        const type = MessageType.ThreadStarterMessage;
        messages.post({ channel, author: from.api.author, content: '', reference: from, type, mentions: noMentions });
      }
      return channel;
    },
    change(channel, body) {
      if (!channel.thread) throw refusal('unknownChannel');
      check({ name: channel.name, ...body });
      channel.name = String(body['name'] ?? channel.name);
      channel.thread.locked = Boolean(body['locked'] ?? channel.thread.locked);
      channel.thread.archiveAfterMinutes = durationOf(body) ?? channel.thread.archiveAfterMinutes;
      const archived = Boolean(body['archived'] ?? channel.thread.archived);
      if (archived === channel.thread.archived) changes.ring({ kind: 'thread-updated', channel });
      setArchived(channel, archived);
    },
    archive: (channel) => setArchived(channel, true),
    stop() {
      stopListening();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

function check(body: Readonly<Record<string, unknown>>): void {
  const form = createForm();
  form.text(['name'], body['name'], { min: 1, max: 100 });
  const duration = body['auto_archive_duration'];
  if (duration !== undefined && duration !== null) form.oneOf(['auto_archive_duration'], duration, durations);
  form.done();
}

const durationOf = (body: Readonly<Record<string, unknown>>): ThreadAutoArchiveDuration | undefined =>
  durations.find((duration) => duration === body['auto_archive_duration']);
