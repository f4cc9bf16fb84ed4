import type { Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { usageIn, usageOf } from '../grammar/usage-of.ts';
import { findEntry, writtenOf } from '../grammar/vocabulary.ts';
import { helpToMessage, topicToMessage, unknownTopicToMessage } from '../render/help-to-message.ts';
import { actionsToMessage, targetsToMessage, tasksToMessage } from '../render/list-to-message.ts';
import { personToMessage } from '../render/person-to-message.ts';
import { respond } from '../respond.ts';

const tasksAtMost = 12;

/** What the asker may do: somebody whom nobody knows can learn how to become known. */
export async function sayHelp(context: ChatContext, asker: Asker, topic?: string): Promise<void> {
  const { incoming, language, principal } = asker;
  if (!principal) return sayWho(context, asker);
  const { intake, aliases } = context;
  const known = { actions: intake.actions(), aliases: aliases.filter(({ tenant }) => tenant === incoming.tenant) };
  const all = usageOf(known);
  // The actions are a list of their own.
  const first = all.filter(({ kind }) => kind !== 'action');
  if (topic === undefined) return respond(context, asker, helpToMessage(usageIn(first, language), language));
  const usages = usageIn(all, language);
  const entry = findEntry(topic, known);
  const usage = entry && usages.find(({ verb }) => verb === writtenOf(entry));
  await respond(context, asker, usage ? topicToMessage(usage, language) : unknownTopicToMessage(topic, language));
}

export async function sayWho(context: ChatContext, asker: Asker): Promise<void> {
  const { incoming, language, principal } = asker;
  const { actor, tenant } = incoming;
  await respond(context, asker, personToMessage({ actor, tenant, language, principal }));
}

export async function listActions(context: ChatContext, asker: Asker): Promise<void> {
  await respond(context, asker, actionsToMessage(context.intake.actions(), asker.language));
}

/** @throws MOLT_BAD_SELECTOR, MOLT_NO_TARGETS */
export async function listTargets(
  context: ChatContext,
  asker: Asker,
  { principal, on }: { readonly principal: Principal; readonly on?: string | undefined },
): Promise<void> {
  const targets = context.intake.targets(principal, on);
  await respond(context, asker, targetsToMessage(targets, asker.language, on));
}

export async function listTasks(context: ChatContext, asker: Asker, { tenant }: Principal): Promise<void> {
  const { tasks } = await context.store.listTasks(tenant, { limit: tasksAtMost });
  await respond(context, asker, tasksToMessage(tasks, asker.language, context.clock.now()));
}
