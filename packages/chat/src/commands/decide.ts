import { MoltError, type Place, type Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { linkedPrefix } from '../people/people.ts';
import type { Question } from '../questions/question.ts';
import { deferAnswer, respond } from '../respond.ts';
import { submitOrder } from '../submit.ts';
import { texts } from '../texts/texts.ts';
import { fireAsked } from './change-schedule.ts';
import { holdGrant, isForLeader } from './hold-grant.ts';

/**
 * Decides a question. The first decision stands; what it leads to is done again by whoever meets it, and is done once.
 * @param option what the button says
 */
export async function decide(context: ChatContext, asker: Asker, id: string, option: 'yes' | 'no'): Promise<void> {
  const { questions, grants, clock } = context;
  const { incoming, language } = asker;
  const { tenant, actor } = incoming;
  const t = texts(language);
  const say = (text: string) => respond(context, asker, { tone: 'warning', text: [text] });
  const question = await questions.find(tenant, id);
  if (!question) return say(t.questions.decided.expire);
  if (!mayDecide(question, asker)) return say(t.questions.notYours);
  if (option === 'yes') await assertStillKnown(context, question);
  // Before it is decided: what a decision leads to must not hang on this process.
  if (option === 'yes' && !question.decision)
    await grants.begin({ tenant, event: incoming.id, kind: 'question', question: id });
  const decision = { option, by: actor.name, actor: actor.id, event: incoming.id, at: clock.now() };
  const work = async (): Promise<'done' | 'left'> => {
    const decided = await questions.decide(tenant, id, decision);
    const stands = decided?.decision;
    if (!stands || !isOurs(stands, decision, decided.expiresAt)) {
      await say(stands ? t.questions.alreadyDecided(stands.by) : t.questions.decided.expire);
      return 'left';
    }
    await deferAnswer(asker);
    if (option === 'no') return 'done';
    if (stands.event === incoming.id && isForLeader(context, stands.at)) return 'left';
    await submitQuestion(context, decided);
    return 'done';
  };
  await holdGrant(context, asker, { event: question.decision?.event ?? incoming.id, work });
}

/** Does what was decided. @throws MOLT_CHAT_UNLINKED, and what `Intake.submit` throws */
export async function runQuestion(context: ChatContext, question: Question): Promise<void> {
  await assertStillKnown(context, question);
  await submitQuestion(context, question);
}

interface Who {
  readonly tenant: string;
  readonly place: Place;
  readonly principal: Principal;
  readonly asker: { readonly id: string; readonly name: string };
}

/** Whose link was taken back since is run nothing for any more. @throws MOLT_CHAT_UNLINKED */
export async function assertStillKnown(
  { people }: Pick<ChatContext, 'people'>,
  { tenant, place, principal, asker }: Who,
): Promise<void> {
  // Roles are known of who is here alone.
  if (!principal.id.startsWith(linkedPrefix)) return;
  const now = await people.find({ tenant, place, actor: { ...asker, roles: [] } });
  if (now.principal?.id !== principal.id)
    throw new MoltError('MOLT_CHAT_UNLINKED', `${asker.name} is not known here any more`);
}

type Decision = NonNullable<Question['decision']>;

/** The same event, or the same said once more by the same person. Long after, the store may not know any more that it was run. */
const isOurs = (stands: Decision, given: Decision, expiresAt: number): boolean =>
  stands.event === given.event ||
  (stands.actor === given.actor && stands.option === given.option && given.at < expiresAt);

/** Who asked confirms, as who they were then; an approval is somebody else's. Nobody decides whom nobody knows. */
function mayDecide({ kind, asker, principal }: Question, { incoming, principal: decider }: Asker): boolean {
  if (!decider) return false;
  if (kind !== 'approve') return decider.id === principal.id;
  return incoming.actor.id !== asker.id && decider.id !== principal.id;
}

async function submitQuestion(context: ChatContext, question: Question): Promise<void> {
  if (question.schedule !== undefined) return fireAsked(context, question, question.schedule);
  const { command, principal, place, id, message, language, asker } = question;
  await submitOrder(context, { ...{ command, principal, place, event: id, message, language }, actor: asker.id });
}
