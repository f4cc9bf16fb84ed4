import type { Chat } from '@moltbot/chat';
import type { Clock, LarkConfig, Logger, Registry } from '@moltbot/shared';
import type { RecordStore, Store } from '@moltbot/store';
import type { LarkApi } from './lark-api.ts';

/** What an ingress needs of the chat. */
export type LarkChat = Pick<Chat, 'handle' | 'lead'>;

/** What an ingress is made of. */
export interface LarkIngressDeps {
  /** Name of the bot in the configuration. */
  readonly name: string;
  readonly config: LarkConfig;
  readonly api: LarkApi;
  readonly chat: LarkChat;
  readonly store: RecordStore & Pick<Store, 'acquireLease' | 'releaseLease'>;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** For tests, who have less time. */
  readonly timing?: Partial<Timing> | undefined;
}

/** Milliseconds. */
export interface Timing {
  /** Of the lease by which one instance leads. */
  readonly lease: number;
  /** How long whoever received an event has to deal with it before another does. */
  readonly claim: number;
  readonly sweepEvery: number;
  /** How often the history is read for what came by no event. */
  readonly catchUpEvery: number;
  /** How often a long connection has to prove that it is alive, and how long that may take. */
  readonly pingEvery: number;
  readonly pongWithin: number;
  /** A press is answered by itself so long, at most; the platform waits for three seconds. */
  readonly answerWithin: number;
}

export const defaultTiming: Timing = {
  lease: 4_000,
  claim: 8_000,
  sweepEvery: 1_000,
  catchUpEvery: 30_000,
  pingEvery: 20_000,
  pongWithin: 15_000,
  answerWithin: 2_000,
};
