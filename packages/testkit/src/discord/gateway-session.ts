import { randomBytes } from 'node:crypto';
import { GatewayOpcodes } from 'discord-api-types/v10';
import type { Wire } from './gateway-wire.ts';
import type { Settings } from './settings.ts';

export interface Dispatch {
  /** `MESSAGE_CREATE` */
  readonly t: string;
  readonly d: unknown;
}

/** A client's place in the stream of events; it outlives its connection for a while. */
export interface Session {
  readonly id: string;
  readonly intents: number;
  readonly shard: readonly [id: number, count: number];
  /** Number of the last event. */
  readonly seq: number;
  readonly wire: Wire | undefined;
  dispatch(event: Dispatch): void;
  /** Begins on another connection. @returns the one it had */
  attach(wire: Wire): Wire | undefined;
  /** Its connection is gone: from now on it can be resumed for a while. */
  detach(): void;
  /** What came after `seq`, as JSON, or nothing when that is not kept any more. */
  eventsAfter(seq: number): readonly string[] | undefined;
  isOver(): boolean;
}

export interface NewSession {
  readonly wire: Wire;
  readonly intents: number;
  readonly shard: readonly [id: number, count: number];
}

export function createSession({ wire: first, intents, shard }: NewSession, { timing, limits }: Settings): Session {
  const kept: { readonly s: number; readonly text: string }[] = [];
  let seq = 0;
  let wire: Wire | undefined = first;
  let lostAt: number | undefined;
  return {
    id: randomBytes(16).toString('hex'),
    intents,
    shard,
    get seq() {
      return seq;
    },
    get wire() {
      return wire;
    },
    dispatch({ t, d }) {
      seq += 1;
      // What is sent again later must be what it was now.
      const text = JSON.stringify({ op: GatewayOpcodes.Dispatch, s: seq, t, d });
      kept.push({ s: seq, text });
      if (kept.length > limits.replay) kept.shift();
      wire?.sendText(text);
    },
    attach(next) {
      const before = wire;
      wire = next;
      lostAt = undefined;
      return before;
    },
    detach() {
      wire = undefined;
      lostAt = Date.now();
    },
    eventsAfter(after) {
      const oldest = kept[0]?.s ?? seq + 1;
      return after + 1 < oldest ? undefined : kept.filter(({ s }) => s > after).map(({ text }) => text);
    },
    isOver: () => lostAt !== undefined && Date.now() - lostAt > timing.resumeWindow,
  };
}
