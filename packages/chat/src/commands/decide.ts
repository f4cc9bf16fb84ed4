import type { Asker, ChatContext } from '../chat-context.ts';
import type { Question } from '../questions/question.ts';
import { deferAnswer, respond } from '../respond.ts';
import { submitOrder } from '../submit.ts';
import { texts } from '../texts/texts.ts';

/**
 * Decides a question. The first decision stands; what it leads to is done again by whoever meets it, and is done once.
 * @param option what the button says
 */
export async function decide(context: ChatContext, asker: Asker, id: string, option: 'yes' | 'no'): Promise<void> {
  const { questions, clock } = context;
  const { incoming, language } = asker;
  const { tenant, actor } = incoming;
  const t = texts(language);
  const say = (text: string) => respond(context, asker, { tone: 'warning', text: [text] });
  const question = await questions.find(tenant, id);
  if (!question) return say(t.questions.decided.expire);
  if (!mayDecide(question, asker)) return say(t.questions.notYours);
  const decision = { option, by: actor.name, actor: actor.id, at: clock.now() };
  const decided = await questions.decide(tenant, id, decision);
  if (!decided?.decision) return say(t.questions.decided.expire);
  const isOurs = decided.decision.actor === actor.id && decided.decision.option === option;
  if (!isOurs) return say(t.questions.alreadyDecided(decided.decision.by));
  await deferAnswer(asker);
  if (option === 'yes') await run(context, decided);
}

/** The asker confirms what is theirs; an approval is somebody else's. Nobody decides whom nobody knows. */
function mayDecide({ kind, asker, principal }: Question, { incoming, principal: decider }: Asker): boolean {
  if (!decider) return false;
  const isAsker = incoming.actor.id === asker.id || decider.id === principal.id;
  return kind === 'approve' ? !isAsker : isAsker;
}

async function run(context: ChatContext, question: Question): Promise<void> {
  const { command, principal, place, id, message, language, asker } = question;
  await submitOrder(context, { ...{ command, principal, place, event: id, message, language }, actor: asker.id });
}
