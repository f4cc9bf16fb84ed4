import { MoltError, type Place } from '@moltbot/shared';
import type { ChatMessage } from '../src/message.ts';
import type { ChatFile, ChatPlatform, PlatformLimits, PostOptions } from '../src/platform.ts';

export interface FakeMessage {
  readonly id: string;
  readonly place: Place;
  readonly nonce: string;
  readonly replyTo?: string | undefined;
  /** The first is how it was posted, the last how it is now. */
  readonly versions: ChatMessage[];
  readonly files: readonly ChatFile[];
}

export interface FakePlatform extends ChatPlatform {
  readonly messages: FakeMessage[];
  /** How many there were. */
  downloads: number;
  /** Called before each call is done; what it throws is the answer. `after`: it was done all the same. */
  fault: (call: 'post' | 'edit' | 'attach', when: 'before' | 'after') => void | Promise<void>;
  deleteMessage(id: string): void;
  /** All that is not deleted. */
  standing(): readonly FakeMessage[];
  /** The platform remembers no nonce for longer. */
  forgetNonces(): void;
}

/** A platform in memory that tells posts with the same nonce from others, as the real ones do. */
export function createFakePlatform(limits: Partial<PlatformLimits> = {}): FakePlatform {
  const messages: FakeMessage[] = [];
  const deleted = new Set<string>();
  const nonces = new Map<string, FakeMessage>();
  const add = async (call: 'post' | 'attach', message: Omit<FakeMessage, 'id'>): Promise<string> => {
    await fake.fault(call, 'before');
    let known = nonces.get(message.nonce);
    if (!known) {
      known = { id: `m${messages.length + 1}`, ...message };
      messages.push(known);
      nonces.set(message.nonce, known);
    }
    await fake.fault(call, 'after');
    return known.id;
  };
  const fake: FakePlatform = {
    name: 'discord',
    account: 'main',
    limits: {
      ...{
        tailCharacters: 1_500,
        fileBytes: 1_000_000,
        editEveryMs: 20,
        editsPerMessage: 1_000,
        editableForMs: 3_600_000,
      },
      ...{ hasAnsi: true, channel: { calls: 1_000, perMs: 1_000, reserve: 2 } },
      ...limits,
    },
    messages,
    downloads: 0,
    fault: () => {},
    deleteMessage: (id) => void deleted.add(id),
    standing: () => messages.filter(({ id }) => !deleted.has(id)),
    forgetNonces: () => nonces.clear(),
    post: (place, message, { nonce, replyTo }: PostOptions) =>
      add('post', { place, nonce, replyTo, versions: [message], files: [] }),
    async edit(_place, messageId, message) {
      await fake.fault('edit', 'before');
      const known = messages.find(({ id }) => id === messageId);
      if (!known || deleted.has(messageId)) throw new MoltError('MOLT_CHAT_GONE', 'there is no such message');
      known.versions.push(message);
      await fake.fault('edit', 'after');
    },
    attach: async (place, files, { nonce, replyTo }) =>
      void (await add('attach', { place, nonce, replyTo, versions: [], files })),
    async download() {
      fake.downloads += 1;
      return Buffer.from('echo from a file\n');
    },
  };
  return fake;
}
