import { asMoltError } from '@moltbot/shared';
import type { ChatContext } from '../chat-context.ts';
import type { ChatMessage } from '../message.ts';
import { isPassingForAll } from '../passing.ts';
import type { Grant } from '../questions/grants.ts';
import { errorToMessage } from '../render/error-to-message.ts';
import { type GrantedWork, goodForMs, workOf } from './granted-work.ts';
import { isForLeader } from './hold-grant.ts';

const lookEveryMs = 10_000;

/** Runs, until the signal aborts, what was granted where its process died before it was submitted. It is the same task, whoever submits it. */
export async function runGranted(context: ChatContext, signal: AbortSignal): Promise<void> {
  const { grants, clock, log } = context;
  const look = async (): Promise<void> => {
    for (const grant of await grants.open()) {
      if (signal.aborted) return;
      await settle({ ...context, stopping: signal }, grant).catch((err: unknown) =>
        log.warn({ err, tenant: grant.tenant, event: grant.event }, 'what was decided could not be run yet'),
      );
    }
  };
  while (!signal.aborted) {
    await look().catch((err: unknown) => log.warn({ err }, 'what was decided could not be read'));
    await clock.sleep(lookEveryMs, signal).catch(() => {});
  }
}

async function settle(context: ChatContext, grant: Grant): Promise<void> {
  const work = await workOf(context, grant);
  if (work === 'open') return;
  if (work === 'over') return context.grants.end(grant);
  if (isForLeader(context, work.at)) await carryOut(context, grant, work);
}

async function carryOut(context: ChatContext, grant: Grant, work: GrantedWork): Promise<void> {
  const { grants, clock, log } = context;
  const isLate = clock.now() - work.at > goodForMs;
  const isRun = isLate && (await work.isRun());
  const refusal = isLate && !isRun ? late(work) : await run(work);
  // Before it is told: of what is told not to run, nothing runs.
  await grants.end(grant);
  if (refusal) await tell(context, grant, work, refusal);
  const { tenant, event, kind } = grant;
  log.warn({ tenant, event, kind, isRefused: refusal !== undefined }, 'went on with what was decided');
}

const late = ({ late: text }: GrantedWork): ChatMessage => ({ tone: 'failure', text: [text] });

/** @returns why not @throws what passes */
async function run({ run: go, language }: GrantedWork): Promise<ChatMessage | undefined> {
  try {
    await go();
    return undefined;
  } catch (reason) {
    const error = asMoltError(reason);
    if (isPassingForAll(error.code)) throw reason;
    return errorToMessage(error, language);
  }
}

/** As the answer to the press, which is one. */
async function tell(
  { posts, clock }: ChatContext,
  { tenant, event }: Grant,
  { place, language, replyTo }: GrantedWork,
  message: ChatMessage,
): Promise<void> {
  await posts.begin({
    ...{ id: `answer-${event}`, tenant, place, language, replyTo, createdAt: clock.now(), messages: [], files: 0 },
    subject: { kind: 'words', message },
  });
}
