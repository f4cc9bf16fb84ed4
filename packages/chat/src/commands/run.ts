import { MoltError, type Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import type { RunCommand } from '../grammar/command.ts';
import type { Question } from '../questions/question.ts';
import { decideWithinMs } from '../questions/questions.ts';
import { beginPost, deferAnswer } from '../respond.ts';
import { submitOrder } from '../submit.ts';

/** Runs a command, or asks first: when its action wants that, or when it arrives long after it was sent. */
export async function runCommand(
  context: ChatContext,
  asker: Asker,
  { command, principal }: { readonly command: RunCommand; readonly principal: Principal },
): Promise<void> {
  const { incoming, language } = asker;
  // Refused before anything stands in the channel.
  checkNow(context, command, principal);
  const kind = questionFor(context, asker, command);
  if (kind) return ask(context, asker, { command, principal, kind });
  const answer = await deferAnswer(asker);
  await submitOrder(context, {
    ...{ command, principal, language, place: incoming.place, event: incoming.id, actor: incoming.actor.id },
    ...(incoming.kind !== 'command' && { message: incoming.message }),
    ...(answer !== undefined && { answer }),
    isLate: asker.since - incoming.at > lateMs,
  });
}

/** On its way to us an event takes less. */
const lateMs = 10_000;

/** @throws MOLT_UNKNOWN_ACTION, MOLT_BAD_SELECTOR, MOLT_NO_TARGETS */
export function checkNow(
  { intake }: Pick<ChatContext, 'intake'>,
  { action, on }: RunCommand,
  principal: Principal,
): void {
  if (!intake.actions().some(({ name }) => name === action))
    throw new MoltError('MOLT_UNKNOWN_ACTION', `there is no action "${action}"`);
  intake.targets(principal, on);
}

/** What its action asks before it runs. */
export function confirmationOf(
  { intake }: Pick<ChatContext, 'intake'>,
  action: string,
): 'confirm' | 'approve' | undefined {
  const confirm = intake.actions().find(({ name }) => name === action)?.confirm;
  return confirm && (confirm === 'other' ? 'approve' : 'confirm');
}

function questionFor(
  { intake, staleAfterMs }: ChatContext,
  { incoming, since }: Asker,
  command: RunCommand,
): Question['kind'] | undefined {
  const kind = confirmationOf({ intake }, command.action);
  if (kind) return kind;
  // By when it came first: what was run then is not asked about when it comes again.
  return since - incoming.at > staleAfterMs ? 'stale' : undefined;
}

interface Asked {
  readonly command: RunCommand;
  readonly principal: Principal;
  readonly kind: Question['kind'];
  readonly schedule?: string | undefined;
}

/** Asks before it is run. */
export async function ask(
  context: ChatContext,
  asker: Asker,
  { command, principal, kind, schedule }: Asked,
): Promise<void> {
  const { incoming, language } = asker;
  const { id, tenant, place, actor, at } = incoming;
  const answer = await deferAnswer(asker);
  const askedAt = context.clock.now();
  await context.questions.ask({
    ...{ id, tenant, kind, command, schedule, principal, place, language, sentAt: at, askedAt },
    expiresAt: askedAt + decideWithinMs[kind],
    asker: { id: actor.id, name: actor.name },
    ...(incoming.kind !== 'command' && { message: incoming.message }),
  });
  await beginPost(context, asker, { kind: 'question', id }, { answer });
}
