import type { Place } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import type { Grant, GrantedPress } from '../questions/grants.ts';
import type { Question } from '../questions/question.ts';
import { keyOfEvent } from '../submit.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { assertStillKnown, runQuestion } from './decide.ts';
import { remedyOf, showDone } from './notice.ts';
import { runCommand } from './run.ts';

/** Something that was granted, to be gone on with. */
export interface GrantedWork {
  /** When that was put on record, epoch ms. */
  readonly at: number;
  isRun(): Promise<boolean>;
  run(): Promise<void>;
  /** What is said when it is too late to run it. */
  readonly late: string;
  readonly place: Place;
  readonly language: Language;
  /** Id of the message to answer. */
  readonly replyTo?: string | undefined;
}

/** A decision is carried out for so long; later it may be wrong, ms. */
export const goodForMs = 3_600_000;

/** @returns `over`: nobody has to go on with it; `open`: it is not on record yet, and may be */
export const workOf = (context: ChatContext, grant: Grant): Promise<GrantedWork | 'over' | 'open'> =>
  grant.kind === 'question' ? workOfQuestion(context, grant) : workOfRemedy(context, grant);

async function workOfQuestion(
  context: ChatContext,
  { tenant, event, question: id }: Grant & { readonly kind: 'question' },
): Promise<GrantedWork | 'over' | 'open'> {
  const { questions, clock } = context;
  const question = await questions.find(tenant, id);
  if (!question) return 'over';
  const { decision, expiresAt, place, language, message: replyTo } = question;
  // Whoever is about to decide it took their time before it was over.
  if (!decision) return clock.now() > expiresAt + goodForMs ? 'over' : 'open';
  if (decision.event !== event) return 'over';
  return {
    ...{ at: decision.at, place, language, replyTo, late: texts(language).questions.notRun },
    isRun: () => isQuestionRun(context, question),
    run: () => runQuestion(context, question),
  };
}

const isQuestionRun = async (
  { intake, platform, store }: ChatContext,
  { principal, id, tenant, schedule, sentAt }: Question,
): Promise<boolean> =>
  (schedule !== undefined && (await store.getOccurrence(tenant, schedule, sentAt))?.kind === 'manual') ||
  (await intake.find(principal, keyOfEvent(platform, id))) !== undefined;

async function workOfRemedy(
  context: ChatContext,
  { tenant, event, press }: Grant & { readonly kind: 'remedy' },
): Promise<GrantedWork | 'over' | 'open'> {
  const { notices, questions, intake, platform, clock } = context;
  const [, key = '', action = ''] = press.button.split(':');
  const { place, language, message: replyTo, actor } = press;
  const notice = await notices.findByKey(tenant, place, key);
  const command = notice && remedyOf(notice, { key, action });
  if (!command) return 'over';
  const done = notice.done[key];
  if (!done) return clock.now() > press.since + goodForMs ? 'over' : 'open';
  if (done.event !== event) return 'over';
  const principal = { tenant, id: press.as };
  return {
    ...{ at: done.at, place, language, replyTo, late: texts(language).questions.remedyNotRun },
    // What asks first is asked, and nothing else of the press is left.
    isRun: async () =>
      (await intake.find(principal, keyOfEvent(platform, event))) !== undefined ||
      (await questions.find(tenant, event)) !== undefined,
    async run() {
      await showDone(context, notice, { place, event, message: press.message });
      await assertStillKnown(context, { tenant, place, principal, asker: actor });
      await runCommand(context, toAsker({ tenant, event, press }), { command, principal });
    },
  };
}

const toAsker = ({
  tenant,
  event,
  press: { place, actor, button, message, language, as, at, since },
}: {
  readonly tenant: string;
  readonly event: string;
  readonly press: GrantedPress;
}): Asker => ({
  ...{ language, since, principal: { tenant, id: as } },
  incoming: { kind: 'press', id: event, tenant, place, at, button, message, actor: { ...actor, roles: [] } },
});
