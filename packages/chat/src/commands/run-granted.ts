import { asMoltError, type ErrorCode, type MoltError } from '@moltbot/shared';
import type { ChatContext } from '../chat-context.ts';
import type { ChatMessage } from '../message.ts';
import type { Grant } from '../questions/grants.ts';
import type { Question } from '../questions/question.ts';
import { errorToMessage } from '../render/error-to-message.ts';
import { keyOfEvent } from '../submit.ts';
import { texts } from '../texts/texts.ts';
import { runQuestion } from './decide.ts';

const lookEveryMs = 10_000;
/** Whoever was pressed for has the task submitted by then, or is dead, ms. */
const inHandMs = 60_000;
/** A decision is carried out for so long; later it may be wrong, ms. */
const goodForMs = 3_600_000;
/** What is otherwise in a moment. */
const passing: ReadonlySet<ErrorCode> = new Set(['MOLT_STORE_DOWN', 'MOLT_SHUTTING_DOWN', 'MOLT_BUS_DOWN']);

/** Runs, until the signal aborts, what was decided where its process died before it was submitted. It is the same task, whoever submits it. */
export async function runGranted(context: ChatContext, signal: AbortSignal): Promise<void> {
  const { grants, clock, log } = context;
  const look = async (): Promise<void> => {
    for (const grant of await grants.open()) {
      if (signal.aborted) return;
      await settle({ ...context, stopping: signal }, grant).catch((err: unknown) =>
        log.warn({ err, tenant: grant.tenant, question: grant.question }, 'what was decided could not be run yet'),
      );
    }
  };
  while (!signal.aborted) {
    await look().catch((err: unknown) => log.warn({ err }, 'what was decided could not be read'));
    await clock.sleep(lookEveryMs, signal).catch(() => {});
  }
}

async function settle(context: ChatContext, grant: Grant): Promise<void> {
  const { questions, grants, clock } = context;
  const question = await questions.find(grant.tenant, grant.question);
  const now = clock.now();
  const decision = question?.decision;
  // Whoever is about to decide it took their time before it was over.
  if (!question || (!decision && now > question.expiresAt + goodForMs)) return grants.end(grant);
  if (!decision) return;
  if (decision.event !== grant.event) return grants.end(grant);
  if (now - decision.at > inHandMs) await carryOut(context, question, decision);
}

type Decision = NonNullable<Question['decision']>;

async function carryOut(context: ChatContext, question: Question, decision: Decision): Promise<void> {
  const { grants, clock, log, intake, platform } = context;
  const { tenant, id, language, principal } = question;
  const { event, at } = decision;
  const isLate = clock.now() - at > goodForMs;
  const isRun = isLate && (await intake.find(principal, keyOfEvent(platform, id))) !== undefined;
  const refusal = isLate && !isRun ? late(question) : await run(context, question);
  // Before it is told: of what is told not to run, nothing runs.
  await grants.end({ tenant, event });
  if (refusal) await tell(context, question, event, refusal);
  log.warn({ tenant, question: id, language, isRefused: refusal !== undefined }, 'went on with what was decided');
}

const late = ({ language }: Question): ChatMessage => ({
  tone: 'failure',
  text: [texts(language).questions.notRun],
});

/** @returns why not @throws what passes */
async function run(context: ChatContext, question: Question): Promise<ChatMessage | undefined> {
  try {
    await runQuestion(context, question);
    return undefined;
  } catch (reason) {
    const error: MoltError = asMoltError(reason);
    if (passing.has(error.code)) throw reason;
    return errorToMessage(error, question.language);
  }
}

/** As the answer to the press, which is one. */
async function tell(
  { posts, clock }: ChatContext,
  { tenant, place, language, message: replyTo }: Question,
  event: string,
  message: ChatMessage,
): Promise<void> {
  await posts.begin({
    ...{ id: `answer-${event}`, tenant, place, language, replyTo, createdAt: clock.now(), messages: [], files: 0 },
    subject: { kind: 'words', message },
  });
}
