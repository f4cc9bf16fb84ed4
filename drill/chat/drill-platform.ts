import type { TcpProxy } from '@moltbot/testkit';
import type { Random } from '../random.ts';

/** What the bot has said, as everybody sees it in the end. */
export interface SaidByBot {
  /** All that can be read in it. */
  readonly text: string;
  /** Id of the message that it answers. */
  readonly replyTo: string | undefined;
  /** Epoch ms of its first version. */
  readonly at: number;
}

/** A stand-in for a platform in this process, and the way to it, which can be cut. */
export interface DrillPlatform {
  readonly name: 'discord' | 'lark';
  /** The only way between the bot and the platform. */
  readonly network: TcpProxy;
  /** The part of config.yaml under `platforms`, for a bot of that name. */
  config(bot: string): Record<string, unknown>;
  /** The bot hears what is said from now on. */
  isHeard(): boolean;
  /** A person says something to the bot. @returns id of the message */
  say(channel: string, text: string): string;
  /** Of the bot, in the order in which it was first posted. */
  said(channel: string): readonly SaidByBot[];
  /** Refusals because of too much, and how many of them were ordered. */
  refusals(): { readonly all: number; readonly ordered: number };
  /** What the client did, in words. */
  counted(): string;
  readonly troubles: Troubles;
  /** Ends everything that is wrong with the platform. */
  clear(): void;
  stop(): Promise<void>;
}

/** What can go wrong at the platform itself; each resolves when it is whole again. */
export interface Troubles {
  /** Every call that shows something is refused for so long. */
  storm(forMs: number): Promise<void>;
  /** The next messages are made, but it is not told; so are the next edits. */
  loseAnswers(random: Random): void;
  restart(random: Random): Promise<void>;
  /** One of the platform's ways to end what events come over, or to send them otherwise. */
  drop(random: Random): Drop;
}

export interface Drop {
  readonly name: string;
  run(): void;
}

export const channels = ['general', 'ops', 'night'] as const;
