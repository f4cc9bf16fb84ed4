import { asMoltError, MoltError, type Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from './chat-context.ts';
import { answerCommand, isForAll } from './commands/answer-command.ts';
import { answerPress } from './commands/answer-press.ts';
import { knownPrincipal } from './commands/known-principal.ts';
import type { Begun } from './events.ts';
import type { ChatCommand } from './grammar/command.ts';
import { commandFromOptions } from './grammar/command-from-options.ts';
import { parseCommand } from './grammar/parse-command.ts';
import { findEntry, type GrammarContext, type Script } from './grammar/vocabulary.ts';
import type { Incoming } from './incoming.ts';
import { isOfPlatform, isPassing } from './passing.ts';
import { errorToMessage } from './render/error-to-message.ts';
import { respond } from './respond.ts';
import { languageOf } from './texts/language.ts';

/** What became of an event; `repeated`: it was handled before; `muted`: somebody whom nobody knows was told enough. */
export type Handled = 'handled' | 'repeated' | 'muted';

/**
 * Hop 1: something somebody did becomes a command, the command what it asks for, and there is one answer. Done again after a crash at
 * any point, by any instance, it comes to the same: tasks and answers have the event's id, and it is done as whom it was done first.
 * @throws what passes: it is to be given again
 */
export async function handleIncoming(context: ChatContext, incoming: Incoming): Promise<Handled> {
  const { people, events, log } = context;
  const { tenant, id, actor } = incoming;
  const known = await people.find(incoming);
  const begun = await events.begin(incoming, known.principal, () => waitOf(context, incoming, known.principal));
  if (!begun) return 'repeated';
  const { as, at: since } = begun;
  const asker: Asker = {
    ...{ incoming, since, language: known.language ?? languageOf(incoming.locale) },
    // Who is not known any more does nothing any more.
    principal: known.principal && as !== undefined ? { tenant, id: as } : undefined,
    isMuted: as === undefined && begun.waitMs !== undefined,
  };
  if (asker.isMuted && !mayHelp(incoming)) return 'muted';
  try {
    if (as !== undefined) assertAdmitted(begun);
    await answer(context, asker);
  } catch (reason) {
    const error = asMoltError(reason);
    if (isPassing(context, asker, error.code)) throw reason;
    const details = { code: error.code, tenant, event: id, actor: actor.id };
    // Its message may hold what somebody typed.
    if (error.code === 'MOLT_INTERNAL') log.error({ ...details, err: reason }, 'a command of a chat failed');
    else log.info(details, 'a command of a chat was refused');
    const isReachable = !isOfPlatform(error.code);
    const told = isReachable ? asker : { ...asker, incoming: { ...incoming, answer: undefined } };
    await respond(context, told, errorToMessage(error, asker.language, textOf(incoming)));
  }
  return 'handled';
}

/** A code still makes somebody known, and what nobody else sees may be said. */
const mayHelp = (incoming: Incoming): boolean =>
  incoming.answer !== undefined || (incoming.kind !== 'press' && verbOf(incoming) === 'link');

async function answer(context: ChatContext, asker: Asker): Promise<void> {
  const { incoming } = asker;
  if (incoming.kind === 'press') return answerPress(context, asker, incoming.button);
  await answerCommand(context, asker, await toCommand(context, asker, incoming));
}

/** Undefined when it is not too much. */
async function waitOf(
  { intake, strangers }: ChatContext,
  incoming: Incoming,
  principal: Principal | undefined,
): Promise<number | undefined> {
  if (!principal) return strangers.take(incoming);
  const { allowed, retryAfterMs } = await intake.admit(principal);
  return allowed ? undefined : retryAfterMs;
}

/** What was refused when it came first is refused for ever, and what was not is not. @throws MOLT_RATE_LIMITED */
function assertAdmitted({ waitMs: retryAfterMs }: Begun): void {
  if (retryAfterMs === undefined) return;
  const seconds = Math.ceil(retryAfterMs / 1_000);
  throw new MoltError('MOLT_RATE_LIMITED', `too many commands: wait ${seconds} s`, { details: { retryAfterMs } });
}

type Spoken = Exclude<Incoming, { kind: 'press' }>;

/** @throws MOLT_CHAT_UNLINKED, MOLT_CHAT_COMMAND */
async function toCommand(context: ChatContext, asker: Asker, incoming: Spoken): Promise<ChatCommand> {
  const { intake, aliases } = context;
  const isOpen = isForAll(verbOf(incoming));
  // Whom nobody knows learns nothing of what there is, not by a mistake either; nor is a file of theirs fetched.
  if (!isOpen) knownPrincipal(asker);
  const grammar: GrammarContext = {
    actions: asker.principal ? intake.actions() : [],
    aliases: asker.principal ? aliases.filter(({ tenant }) => tenant === incoming.tenant) : [],
    scripts: isOpen ? [] : await scriptsOf(context, incoming),
  };
  return incoming.kind === 'text'
    ? parseCommand(incoming.text, grammar)
    : commandFromOptions(incoming.verb, incoming.options, grammar);
}

function verbOf(incoming: Spoken): ChatCommand['verb'] | 'script' | undefined {
  const word = incoming.kind === 'text' ? (/[^\s:：]+/.exec(incoming.text)?.[0] ?? '') : incoming.verb;
  const entry = findEntry(word, { actions: [], aliases: [] });
  return entry?.kind === 'verb' ? entry.verb : undefined;
}

/** Of one script: as much as a task takes. */
const maxScriptBytes = 100_000;

async function scriptsOf(
  { platform, stopping }: ChatContext,
  { attachments, place }: Spoken,
): Promise<readonly Script[]> {
  const scripts: Script[] = [];
  for (const attachment of attachments) {
    const bytes = await platform.download(place, attachment, { maxBytes: maxScriptBytes, signal: stopping });
    scripts.push({ name: attachment.name, text: toText(attachment.name, bytes) });
  }
  return scripts;
}

function toText(name: string, bytes: Buffer): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below.
  }
  throw new MoltError('MOLT_CHAT_COMMAND', `${name} is not a text file in UTF-8`);
}

const textOf = (incoming: Incoming): string | undefined => (incoming.kind === 'text' ? incoming.text : undefined);
