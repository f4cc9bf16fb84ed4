import type { Actor } from '@moltbot/chat';
import type { APIUser } from 'discord-api-types/v10';

export const actorOf = (
  { id, username, global_name: globalName }: APIUser,
  { roles, nick }: { readonly roles: readonly string[]; readonly nick?: string | null | undefined },
): Actor => ({ id, name: nick ?? globalName ?? username, roles });
