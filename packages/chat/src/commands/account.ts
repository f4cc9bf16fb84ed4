import type { Asker, ChatContext } from '../chat-context.ts';
import { respond } from '../respond.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';

/** Links who asks with whom the code stands for. @throws MOLT_CHAT_CODE */
export async function link(context: ChatContext, asker: Asker, code: string): Promise<void> {
  const { people, codes, platform, log } = context;
  const { tenant, actor, id: event } = asker.incoming;
  const who = `${platform.name}:${platform.account}:${actor.id}`;
  const { name } = await codes.take(tenant, code, { actor: who, event });
  await people.link(asker.incoming, name);
  log.info({ tenant, actor: actor.id, name }, 'a chat account was linked');
  // No stranger any more, whatever was said to them before.
  const known = { ...asker, isMuted: false };
  await respond(context, known, { tone: 'success', text: [texts(asker.language).link.linked(name)] });
}

export async function unlink(context: ChatContext, asker: Asker): Promise<void> {
  const wasLinked = await context.people.unlink(asker.incoming);
  const { link: t } = texts(asker.language);
  await respond(context, asker, { tone: 'neutral', text: [wasLinked ? t.unlinked : t.wasNotLinked] });
}

export async function chooseLanguage(context: ChatContext, asker: Asker, language: Language): Promise<void> {
  await context.people.choose(asker.incoming, language);
  await respond(context, { ...asker, language }, { tone: 'success', text: [texts(language).language.switched] });
}
