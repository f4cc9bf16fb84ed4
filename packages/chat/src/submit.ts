import type { Intake, Submission } from '@moltbot/intake';
import { asMoltError, backoffMs, type Clock, type Place, type Principal, type TaskRequest } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { RunCommand } from './grammar/command.ts';
import type { ChatPlatform } from './platform.ts';
import type { Posts } from './posts/posts.ts';
import { mayStand, postOfTask } from './reply-to-post.ts';
import type { Language } from './texts/language.ts';

export interface SubmitDeps {
  readonly intake: Pick<Intake, 'submit'>;
  readonly store: Pick<Store, 'getTask'>;
  readonly platform: Pick<ChatPlatform, 'name' | 'account'>;
  readonly posts: Pick<Posts, 'begin'>;
  readonly clock: Clock;
  /** Aborts when nothing is to be waited for any more. */
  readonly stopping: AbortSignal;
}

/** A command that is to be run now, and where it came from. */
export interface Order {
  readonly command: RunCommand;
  readonly principal: Principal;
  readonly place: Place;
  /** Id of the event that leads to it: the same event makes the same task. */
  readonly event: string;
  /** Id of the message to answer. */
  readonly message?: string | undefined;
  /** Id of a message of ours that stands there for the answer. */
  readonly answer?: string | undefined;
  readonly actor: string;
  readonly language: Language;
  /** It came long after it was sent: it may have come before, to a store that was emptied since, and be answered already. */
  readonly isLate?: boolean;
}

/** Through the one door, then a post that follows the task. Repeated, it comes to the same. @throws what `Intake.submit` throws */
export async function submitOrder(deps: SubmitDeps, order: Order): Promise<string> {
  const { store, platform, posts } = deps;
  const { command, principal, isLate = false, ...where } = order;
  const { verb: _verb, ...asked } = command;
  const request: TaskRequest = { ...asked, priority: asked.priority ?? 'interactive' };
  const taskId = await insist(deps, {
    principal,
    origin: { kind: 'chat', platform: platform.name, account: platform.account, ...where },
    request,
    idempotencyKey: keyOfEvent(platform, order.event),
  });
  const record = await store.getTask(principal.tenant, taskId);
  // Without its record it was emptied with the store: the reply begins its post.
  if (!record) return taskId;
  const post = postOfTask({ tenant: principal.tenant, task: record.task, now: deps.clock.now() });
  await posts.begin(isLate ? { ...post, ...mayStand(post) } : post);
  return taskId;
}

/** What makes one task of an event, however often it is handled. */
export const keyOfEvent = ({ name, account }: SubmitDeps['platform'], event: string): string =>
  `${name}:${account}:${event}`;

/** A broker that restarts is waited for so long before the refusal is told, ms. */
const patienceMs = 15_000;

async function insist({ intake, clock, stopping }: SubmitDeps, submission: Submission): Promise<string> {
  const until = clock.monotonic() + patienceMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return (await intake.submit(submission)).taskId;
    } catch (reason) {
      const { code, details } = asMoltError(reason);
      // The same event, and what it means has been changed since (an alias): it is the task that it was.
      const { taskId } = details;
      if (code === 'MOLT_IDEMPOTENCY_CONFLICT' && typeof taskId === 'string') return taskId;
      if (code !== 'MOLT_BUS_DOWN' || clock.monotonic() > until || stopping.aborted) throw reason;
      await clock.sleep(backoffMs(tries, { maxMs: 2_000 }), stopping).catch(() => {});
    }
  }
}
