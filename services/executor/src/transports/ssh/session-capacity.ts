/** Kept for ending commands, on top of those for commands. */
export const keptForKills = 2;

/** So many commands without a refusal, and one more at a time is tried again. */
const raiseAfter = 64;

/** How many commands a connection may run at a time, learned from what the host grants and refuses. */
export interface SessionCapacity {
  asked(): void;
  granted(): void;
  /** A session that is held served once more. */
  used(): void;
  /** A session that was granted has ended. */
  ended(): void;
  /** A session that was asked for will not come. @param byHost the host refused it, for it has enough */
  refused(byHost: boolean): void;
}

/**
 * An sshd forgets an ended session a moment after it said so, and may refuse a new one in between: a refusal below a number it
 * granted before says nothing. Any other lowers the limit, and success slowly raises it again.
 * @param setLimit called with each new limit, 1 to `most`
 */
export function createCapacity(most: number, setLimit: (limit: number) => void): SessionCapacity {
  let limit = most;
  let pending = 0;
  let open = 0;
  let proven = 0;
  let streak = 0;
  const change = (next: number): void => {
    streak = 0;
    limit = Math.min(most, Math.max(1, next));
    setLimit(limit);
  };
  const served = (): void => {
    streak++;
    if (streak >= raiseAfter && limit < most) change(limit + 1);
  };
  return {
    asked() {
      pending++;
    },
    granted() {
      pending--;
      open++;
      proven = Math.max(proven, open);
      served();
    },
    used: served,
    ended() {
      open--;
    },
    refused(byHost) {
      pending--;
      const others = pending + open;
      if (!byHost || others < proven) return;
      // A host of few sessions keeps one for ending commands.
      change(Math.min(limit, others - (others > 3 ? keptForKills : 1)));
    },
  };
}
