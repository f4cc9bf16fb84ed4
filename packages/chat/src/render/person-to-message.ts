import type { Principal } from '@moltbot/shared';
import type { ChatMessage } from '../message.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { fitMessage } from './fit-message.ts';

export interface PersonView {
  readonly actor: { readonly id: string; readonly name: string; readonly roles: readonly string[] };
  readonly tenant: string;
  /** Absent: nobody knows them. */
  readonly principal?: Principal | undefined;
  readonly language: Language;
}

/** The answer to `whoami`. */
export function personToMessage({ actor, tenant, principal, language }: PersonView): ChatMessage {
  const t = texts(language);
  return fitMessage({
    tone: principal ? 'neutral' : 'warning',
    title: t.who.title,
    text: principal ? [] : [t.who.howToLink],
    fields: [
      { name: t.who.account, value: t.facts([actor.name, actor.id]) },
      { name: t.who.principal, value: principal?.id ?? t.who.notLinked },
      { name: t.who.tenant, value: tenant },
      ...(actor.roles.length > 0 ? [{ name: t.who.roles, value: actor.roles.join(', ') }] : []),
      { name: t.who.language, value: t.language.name },
    ],
  });
}

/** One sentence. */
export const sentenceToMessage = (text: string, tone: ChatMessage['tone'] = 'neutral'): ChatMessage =>
  fitMessage({ tone, text: [text] });
