import { asMoltError } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { isPassing } from '../passing.ts';

/** Whoever was pressed for has the task submitted by then, or is dead, ms. */
const inHandMs = 60_000;

/**
 * Whether what was granted then is no more of whoever is given the press again: whoever leads goes on with it, or has told already why it is not run.
 * @param at epoch ms
 */
export const isForLeader = ({ clock }: Pick<ChatContext, 'clock'>, at: number): boolean => clock.now() - at > inHandMs;

/** Does what the press of that id grants, and ends the grant when it is done or refused for good; `left` leaves it to whoever leads. */
export async function holdGrant(
  context: ChatContext,
  asker: Asker,
  { event, work }: { readonly event: string; work(): Promise<'done' | 'left'> },
): Promise<void> {
  const { tenant } = asker.incoming;
  try {
    if ((await work()) === 'left') return;
  } catch (reason) {
    // Before it is told: of what is told not to run, nothing runs.
    if (!isPassing(context, asker, asMoltError(reason).code)) await context.grants.end({ tenant, event });
    throw reason;
  }
  await context.grants.end({ tenant, event });
}
