import { type Callback, type Clock, type Envelope, type Logger, type RunRecord, replyIdOf } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { type Poster, type PostVerdict, postSigned } from '@moltbot/webhooks';
import { replyToBody } from './reply-to-body.ts';

export interface TryDeps {
  readonly store: Pick<Store, 'getRuns'>;
  readonly poster: Poster;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when posts under way must be handed over. */
  readonly handOver: AbortSignal;
}

/** Posts the reply once. Never rejects; one log line. */
export async function tryPost(
  message: Envelope<'reply'>,
  { url, secret }: { readonly url: URL } & Pick<Callback, 'secret'>,
  deps: TryDeps,
): Promise<PostVerdict> {
  const { clock, handOver, log, poster } = deps;
  const startedAt = clock.monotonic();
  const body = replyToBody(message.body, await runsOf(message, deps));
  const post = { id: replyIdOf(message.body.task.id), url, secret, body };
  const verdict = await postSigned(post, { poster, clock, signal: handOver });
  const fields = { tries: message.body.tries + 1, ms: Math.round(clock.monotonic() - startedAt) };
  tell(log, fields, verdict);
  return verdict;
}

function tell(log: Logger, fields: object, verdict: PostVerdict): void {
  if (verdict.kind === 'interrupted') log.info(fields, 'a post is broken off; another process makes it again');
  else if (verdict.kind === 'delivered') log.info({ ...fields, status: verdict.status }, 'posted a reply');
  else if (verdict.status === undefined) log.warn({ ...fields, error: verdict.why }, 'a reply could not be posted');
  else log.warn({ ...fields, status: verdict.status }, 'a receiver did not take its reply');
}

/** None when the store cannot tell now: the end of a task is worth saying without them. */
async function runsOf({ tenant, body }: Envelope<'reply'>, { store, log }: TryDeps): Promise<readonly RunRecord[]> {
  try {
    return await store.getRuns(tenant, body.task.id);
  } catch (err) {
    log.warn({ err }, 'the runs of a reply cannot be read; it is posted without them');
    return [];
  }
}
