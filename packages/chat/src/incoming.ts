import type { Place } from '@moltbot/shared';
import type { ChatMessage } from './message.ts';

/** Who did something, as the platform knows them. */
export interface Actor {
  /** Stable on this account of the platform. */
  readonly id: string;
  readonly name: string;
  /** Ids of roles and groups that the platform says they have here. */
  readonly roles: readonly string[];
}

export interface Attachment {
  /** What the platform's download needs: a URL, a key. */
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  /** The message it hangs on. */
  readonly message?: string | undefined;
}

/** Something that somebody did in a chat, in no platform's words. */
export type Incoming = IncomingBase & (IncomingText | IncomingCommand | IncomingPress);

export interface IncomingBase {
  /** The same for every delivery of the same event: id of the message or the interaction. */
  readonly id: string;
  readonly tenant: string;
  readonly place: Place;
  readonly actor: Actor;
  /** What the platform says of the language of who asked, or where: `en-US`, `zh-CN`. */
  readonly locale?: string | undefined;
  /** When it was done, epoch ms, by the platform's clock. */
  readonly at: number;
  /** Where the platform lets an event be answered by itself. */
  readonly answer?: Answer | undefined;
}

/** The answer to an event by itself; for some seconds only. Rejects with MOLT_CHAT_GONE when it is too late. */
export interface Answer {
  /** Says that an answer comes. @returns the id of the message that stands for it, which is edited */
  defer(): Promise<string>;
  /** An answer that only the asker sees. */
  whisper(message: ChatMessage): Promise<void>;
}

/** A message to the bot: mention and prefix are gone, line breaks and code blocks are as they were written. */
export interface IncomingText {
  readonly kind: 'text';
  readonly text: string;
  /** Id of the message, to be replied to. */
  readonly message: string;
  readonly attachments: readonly Attachment[];
}

/** A command with named options, or a form that was filled in. `verb` is one of the grammar's, or an action's name. */
export interface IncomingCommand {
  readonly kind: 'command';
  readonly verb: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly attachments: readonly Attachment[];
}

/** A button of ours. */
export interface IncomingPress {
  readonly kind: 'press';
  /** `ChatButton.id`. */
  readonly button: string;
  /** The message it is on. */
  readonly message: string;
}

/** What somebody has typed so far where the platform completes. */
export interface Completion {
  readonly tenant: string;
  readonly place: Place;
  readonly actor: Actor;
  readonly verb: string;
  /** Name of the option that is being written. */
  readonly option: string;
  readonly typed: string;
}
