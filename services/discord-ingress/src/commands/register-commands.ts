import { createHash } from 'node:crypto';
import type { Usage } from '@moltbot/chat';
import { backoffMs, type Clock, type DiscordConfig, hasCode, type Logger } from '@moltbot/shared';
import type { RecordName, Store, Term } from '@moltbot/store';
import { Routes } from 'discord-api-types/v10';
import type { DiscordRest } from '../rest/discord-rest.ts';
import { usageToCommands } from './usage-to-commands.ts';

export interface RegistrationDeps {
  readonly config: Pick<DiscordConfig, 'guilds'>;
  readonly rest: DiscordRest;
  readonly store: Pick<Store, 'getRecord' | 'putRecord'>;
  readonly term: Term;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of a tenant. */
  usages(tenant: string): readonly Usage[];
  /** Where it is remembered what a guild has. */
  recordOf(guild: string): RecordName;
}

const patience = { baseMs: 1_000, maxMs: 60_000 } as const;

/** Tells Discord the commands of each guild, where they are not what it was told last. Resolves when all have theirs, or the term is over. */
export async function registerCommands(deps: RegistrationDeps, applicationId: string): Promise<void> {
  const guilds = Object.entries(deps.config.guilds);
  await Promise.all(guilds.map(([guild, { tenant }]) => registerPersistently(deps, { applicationId, guild, tenant })));
}

interface GuildCommands {
  readonly applicationId: string;
  readonly guild: string;
  readonly tenant: string;
}

async function registerPersistently(deps: RegistrationDeps, commands: GuildCommands): Promise<void> {
  const { term, clock, log } = deps;
  const { guild } = commands;
  for (let attempt = 1; !term.isOver(); attempt += 1) {
    try {
      return await register(deps, commands);
    } catch (err) {
      if (hasCode(err, 'MOLT_CHAT_REFUSED') || hasCode(err, 'MOLT_CHAT_GONE')) {
        log.error(
          { err, guild },
          'the commands could not be registered: is the bot in the guild, with the scope applications.commands?',
        );
        return;
      }
      log.warn({ err, guild, attempt }, 'the commands could not be registered yet');
      await clock.sleep(backoffMs(attempt, patience), term.signal).catch(() => {});
    }
  }
}

async function register(deps: RegistrationDeps, { applicationId, guild, tenant }: GuildCommands): Promise<void> {
  const { rest, store, log } = deps;
  const body = usageToCommands(deps.usages(tenant));
  const hash = createHash('sha256')
    .update(`${applicationId} ${JSON.stringify(body)}`)
    .digest('base64url');
  const name = deps.recordOf(guild);
  const known = await store.getRecord(name);
  if (known?.value === hash) return;
  await rest.call('put', Routes.applicationGuildCommands(applicationId, guild), { body });
  await store.putRecord(name, hash);
  log.info({ guild, commands: body.length }, 'commands registered');
}
