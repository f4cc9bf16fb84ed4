import type { Answer, Attachment, Incoming } from '@moltbot/chat';
import { hasCode, type LarkConfig } from '@moltbot/shared';
import type { LarkApi } from '../lark-api.ts';
import { contentToFile } from './content-to-text.ts';
import type { Directory } from './directory.ts';
import type { LarkEvent, LarkPressed, LarkSaid } from './lark-event.ts';

export interface IncomingDeps {
  readonly config: Pick<LarkConfig, 'tenant' | 'prefix' | 'chats'>;
  readonly api: LarkApi;
  readonly directory: Directory;
  readonly signal: AbortSignal;
}

/** Whether it may be for the bot, as far as that is known without asking anybody. */
export function mayBeForUs({ prefix, chats }: Pick<LarkConfig, 'prefix' | 'chats'>, event: LarkEvent): boolean {
  if (chats.length > 0 && !chats.includes(event.chat)) return false;
  if (event.kind === 'pressed' || event.isPrivate) return true;
  return event.mentions.length > 0 || event.text.trimStart().startsWith(prefix);
}

/**
 * An event in no platform's words.
 * @param answer of a press that is answered by itself
 * @returns undefined for what is not for the bot
 * @throws MOLT_CHAT_* when the platform has to be asked and cannot be
 */
export async function eventToIncoming(
  deps: IncomingDeps,
  event: LarkEvent,
  answer?: Answer,
): Promise<Incoming | undefined> {
  if (!mayBeForUs(deps.config, event)) return undefined;
  return event.kind === 'said' ? saidToIncoming(deps, event) : pressToIncoming(deps, event, answer);
}

async function saidToIncoming(deps: IncomingDeps, said: LarkSaid): Promise<Incoming | undefined> {
  const { config, directory } = deps;
  const bot = said.mentions.length > 0 ? await directory.botId() : '';
  const text = withoutPrefix(withNames(said, bot), config.prefix);
  const isMentioned = said.mentions.some(({ id }) => id === bot);
  if (!said.isPrivate && !isMentioned && text.prefix === '') return undefined;
  return {
    ...{ kind: 'text', id: said.id, at: said.at, tenant: config.tenant, message: said.id },
    place: { channel: said.chat, thread: said.thread },
    actor: await actorOf(deps, said.sender, said.chat),
    text: text.rest,
    attachments: said.parent === undefined ? [] : await fileOf(deps, said.parent),
  };
}

async function pressToIncoming(deps: IncomingDeps, press: LarkPressed, answer?: Answer): Promise<Incoming> {
  const { id, at, chat, message, operator, button } = press;
  return {
    ...{ kind: 'press', id, at, tenant: deps.config.tenant, place: { channel: chat }, button, message, answer },
    actor: await actorOf(deps, operator, chat),
  };
}

async function actorOf({ directory }: IncomingDeps, user: string, chat: string) {
  const [name, roles] = await Promise.all([directory.nameOf(user, chat), directory.groupsOf(user, chat)]);
  return { id: user, name, roles };
}

/** The text as a client shows it, but for the mentions of the bot. */
function withNames({ text, mentions }: LarkSaid, bot: string): string {
  // `@_user_11` before `@_user_1`, which it begins with.
  const ordered = mentions.toSorted((one, other) => other.key.length - one.key.length);
  const named = ordered.reduce((sofar, { key, id, name }) => {
    return id === bot ? withoutKey(sofar, key) : sofar.replaceAll(key, `@${name}`);
  }, text);
  return named.replaceAll('@_all', '@all').trim();
}

/** A placeholder goes with the space after it; the lines around it stay. */
const withoutKey = (text: string, key: string): string => text.replaceAll(`${key} `, '').replaceAll(key, '');

function withoutPrefix(text: string, prefix: string): { readonly prefix: string; readonly rest: string } {
  return text.startsWith(prefix) ? { prefix, rest: text.slice(prefix.length).trimStart() } : { prefix: '', rest: text };
}

/** The platform knows no file with a text: the text replies to the file. */
async function fileOf({ api, signal }: IncomingDeps, message: string): Promise<readonly Attachment[]> {
  try {
    const item = await api.message(message, signal);
    const file = item && item.deleted !== true ? contentToFile(item.msg_type, item.body.content) : undefined;
    // Its size is told by the download alone.
    return file ? [{ id: file.key, name: file.name, bytes: 0, message }] : [];
  } catch (error) {
    if (hasCode(error, 'MOLT_CHAT_GONE') || hasCode(error, 'MOLT_CHAT_REFUSED')) return [];
    throw error;
  }
}
