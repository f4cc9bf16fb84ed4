import { newMessageId, newThreadId } from './ids.ts';
import {
  type App,
  bodyOf,
  type Chat,
  type Mention,
  type MessageBody,
  type Person,
  type StoredMessage,
} from './model.ts';

export interface Posting {
  readonly chat: Chat;
  readonly author: Person | App;
  readonly body: MessageBody;
  readonly mentions?: readonly Mention[];
  readonly uuid?: string | undefined;
  readonly cardId?: string | undefined;
  readonly parent?: StoredMessage | undefined;
  /** Begins a thread at `parent`, if it is in none. */
  readonly inThread?: boolean;
}

export interface Messages {
  post(posting: Posting): StoredMessage;
  /** Gives it another body, and keeps the old one as a version. */
  change(message: StoredMessage, body: MessageBody, mentions?: readonly Mention[]): void;
  remove(message: StoredMessage): void;
  get(id: string): StoredMessage | undefined;
  /** Everywhere, in the order they were sent. */
  everything(): readonly StoredMessage[];
  /** Of a chat, oldest first, deleted ones too. */
  all(chat: Chat): readonly StoredMessage[];
  ofThread(threadId: string): readonly StoredMessage[];
}

export function createMessages(): Messages {
  const byId = new Map<string, StoredMessage>();
  return {
    post({ chat, author, body, mentions = [], uuid, cardId, parent, inThread = false }) {
      const now = Date.now();
      if (parent && inThread) parent.threadId ??= newThreadId();
      const message: StoredMessage = {
        ...{ id: newMessageId(), chat, author, uuid, cardId, parent, root: parent?.root ?? parent },
        versions: [{ at: now, body, mentions }],
        // What is said to a message of a thread belongs to the thread, asked for or not.
        threadId: parent?.threadId,
        ...{ createdAt: now, updatedAt: now, deletedAt: undefined, edits: 0 },
      };
      byId.set(message.id, message);
      return message;
    },
    change(message, body, mentions = []) {
      const at = Date.now();
      message.updatedAt = at;
      message.versions.push({ at, body, mentions });
    },
    remove(message) {
      message.deletedAt = Date.now();
    },
    get: (id) => byId.get(id),
    everything: () => [...byId.values()],
    all: (chat) => [...byId.values()].filter((message) => message.chat === chat),
    ofThread: (threadId) => [...byId.values()].filter((message) => message.threadId === threadId),
  };
}

/** Keys of what was uploaded and is shown in it. */
export function filesOf(message: StoredMessage): readonly string[] {
  const body = bodyOf(message);
  if (body.type === 'file') return [body.fileKey];
  if (body.type === 'image') return [body.imageKey];
  if (body.type !== 'post') return [];
  return [...JSON.stringify(body.post).matchAll(/"(?:image_key|file_key)":"([^"]+)"/g)].map(([, key = '']) => key);
}
