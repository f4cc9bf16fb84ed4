import { asMoltError, type ErrorCode, MoltError } from '@moltbot/shared';
import type { Asker, ChatContext } from './chat-context.ts';
import { answerCommand } from './commands/answer-command.ts';
import { answerPress } from './commands/answer-press.ts';
import type { ChatCommand } from './grammar/command.ts';
import { commandFromOptions } from './grammar/command-from-options.ts';
import { parseCommand } from './grammar/parse-command.ts';
import type { GrammarContext, Script } from './grammar/vocabulary.ts';
import type { Incoming } from './incoming.ts';
import { errorToMessage } from './render/error-to-message.ts';
import { respond } from './respond.ts';
import { languageOf } from './texts/language.ts';

/** What may be otherwise in a moment: the event is given again, instead of telling somebody. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'MOLT_STORE_DOWN',
  'MOLT_SHUTTING_DOWN',
  'MOLT_CHAT_DOWN',
  'MOLT_CHAT_LIMITED',
]);

/**
 * Hop 1: something somebody did becomes a command, the command what it asks for, and there is one answer. Done again after a crash at
 * any point, by any instance, it comes to the same: tasks and answers have the event's id. Rejects with what passes (`passing`).
 */
export async function handleIncoming(context: ChatContext, incoming: Incoming): Promise<void> {
  const { people, log } = context;
  const known = await people.find(incoming);
  const asker: Asker = {
    incoming,
    language: known.language ?? languageOf(incoming.locale),
    principal: known.principal,
  };
  try {
    await answer(context, asker);
  } catch (reason) {
    const error = asMoltError(reason);
    if (passing.has(error.code)) throw reason;
    const { tenant, id, actor } = incoming;
    const details = { code: error.code, tenant, event: id, actor: actor.id };
    if (error.code === 'MOLT_INTERNAL') log.error({ ...details, err: reason }, 'a command of a chat failed');
    else log.info(details, `a command of a chat was refused: ${error.message}`);
    await respond(context, asker, errorToMessage(error, asker.language, textOf(incoming)));
  }
}

async function answer(context: ChatContext, asker: Asker): Promise<void> {
  const { incoming, principal } = asker;
  if (principal) await admit(context, asker);
  if (incoming.kind === 'press') return answerPress(context, asker, incoming.button);
  await answerCommand(context, asker, await toCommand(context, incoming));
}

/** @throws MOLT_RATE_LIMITED */
async function admit({ intake }: ChatContext, { principal }: Asker): Promise<void> {
  if (!principal) return;
  const { allowed, retryAfterMs } = await intake.admit(principal);
  if (allowed) return;
  const seconds = Math.ceil(retryAfterMs / 1_000);
  throw new MoltError('MOLT_RATE_LIMITED', `too many commands: wait ${seconds} s`, { details: { retryAfterMs } });
}

async function toCommand(context: ChatContext, incoming: Exclude<Incoming, { kind: 'press' }>): Promise<ChatCommand> {
  const { intake, aliases } = context;
  const grammar: GrammarContext = {
    actions: intake.actions(),
    aliases: aliases.filter(({ tenant }) => tenant === incoming.tenant),
    scripts: await scriptsOf(context, incoming),
  };
  return incoming.kind === 'text'
    ? parseCommand(incoming.text, grammar)
    : commandFromOptions(incoming.verb, incoming.options, grammar);
}

/** Of one script: as much as a task takes. */
const maxScriptBytes = 100_000;

async function scriptsOf(
  { platform, stopping }: ChatContext,
  { attachments, place }: Exclude<Incoming, { kind: 'press' }>,
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
