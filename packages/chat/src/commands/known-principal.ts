import { MoltError, type Principal } from '@moltbot/shared';
import type { Asker } from '../chat-context.ts';

/** @throws MOLT_CHAT_UNLINKED for somebody whom nobody knows */
export function knownPrincipal({ principal, incoming }: Asker): Principal {
  if (principal) return principal;
  throw new MoltError('MOLT_CHAT_UNLINKED', `${incoming.actor.name} is not known here`);
}
