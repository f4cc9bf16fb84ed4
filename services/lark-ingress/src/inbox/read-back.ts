import type { Clock, Logger } from '@moltbot/shared';
import type { HistoryItem, LarkApi } from '../lark-api.ts';

export interface ReadBackDeps {
  readonly api: Pick<LarkApi, 'history'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: Logger;
}

export interface ReadBackQuery {
  readonly container: 'chat' | 'thread';
  readonly id: string;
  /** Epoch ms. */
  readonly since: number;
  readonly signal: AbortSignal;
}

/** Between two requests: 1,000 in a minute are allowed, for all that an app does. */
export const paceMs = 150;
const mostPages = 20;

/** What was said somewhere since then, oldest first. @throws MOLT_CHAT_* */
export async function readBack(
  { api, clock, log }: ReadBackDeps,
  { container, id, since, signal }: ReadBackQuery,
): Promise<readonly HistoryItem[]> {
  const found: HistoryItem[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await api.history({ container, id, cursor, signal });
    const items = answer.items.filter(({ create_time: time }) => Number(time) >= since);
    found.push(...items);
    cursor = items.length === answer.items.length ? answer.cursor : undefined;
    if (cursor === undefined) return found.toReversed();
    await clock.sleep(paceMs, signal);
  }
  log.warn({ place: id, messages: found.length }, 'so much was said that the history is not read to its end');
  return found.toReversed();
}
