import type { ChatMessage } from '../message.ts';
import type { ChatFile } from '../platform.ts';

/** How something stands, as it is to be shown. */
export interface View {
  readonly message: ChatMessage;
  /** Nothing changes any more. */
  readonly isFinal: boolean;
}

/** Something that is shown in a chat and changes until it is final. Rejects with MOLT_STORE_DOWN. */
export interface Subject {
  look(): Promise<View>;
  /** Calls `wake` when it has become final, maybe more often. @returns how to end that */
  watch(wake: () => void): () => void;
  /** What goes with the final message: each is made when its turn has come, as it can be large. */
  files(): Promise<readonly (() => Promise<ChatFile>)[]>;
}
