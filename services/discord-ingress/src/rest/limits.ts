import type { PlatformLimits } from '@moltbot/chat';
import { codeShare } from '../message/description.ts';
import type { SeenLimit } from './discord-rest.ts';

/** What Discord documents, or what has been measured where it does not; what answers say is put in its place. */
const initial = {
  tailCharacters: codeShare - 100,
  fileBytes: 10 * 1024 * 1024,
  editEveryMs: 1_200,
  channel: { calls: 5, perMs: 5_000, reserve: 2 },
  editsPerMessage: 1_000,
  // Edits of messages that are older than an hour have a limit of their own.
  editableForMs: 50 * 60_000,
  hasAnsi: true,
} as const satisfies PlatformLimits;

export interface LearntLimits {
  /** Changes with what answers say. */
  readonly current: PlatformLimits;
  see(limit: SeenLimit): void;
}

/** Posts and edits have a bucket each; both count as one here, with the figures of the smaller. */
export function createLimits(): LearntLimits {
  const buckets = new Map<string, PlatformLimits['channel']>();
  let channel: PlatformLimits['channel'] = initial.channel;
  return {
    current: {
      ...initial,
      get channel() {
        return channel;
      },
    },
    see({ method, route, limit, remaining, resetAfterMs }) {
      // The first of a window alone tells how long a window is.
      if (!/^\/channels\/:id\/messages(\/:id)?$/.test(route) || remaining !== limit - 1 || limit < 1) return;
      if (!/^(post|patch)$/i.test(method)) return;
      const reserve = Math.min(initial.channel.reserve, limit - 1);
      buckets.set(`${method} ${route}`, { calls: limit, perMs: Math.ceil(resetAfterMs / 100) * 100, reserve });
      const slowestFirst = [...buckets.values()].sort((a, b) => a.calls / a.perMs - b.calls / b.perMs);
      channel = slowestFirst[0] ?? channel;
    },
  };
}
