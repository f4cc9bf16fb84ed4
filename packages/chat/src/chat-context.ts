import type { Intake } from '@moltbot/intake';
import type { ScheduleDesk } from '@moltbot/schedules';
import type { AliasConfig, Clock, Logger, Principal } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type { Events } from './events.ts';
import type { Incoming } from './incoming.ts';
import type { Notices } from './notices/notices.ts';
import type { LinkCodes } from './people/link-codes.ts';
import type { People } from './people/people.ts';
import type { StrangerBudget } from './people/stranger-budget.ts';
import type { ChatPlatform } from './platform.ts';
import type { Posts } from './posts/posts.ts';
import type { Grants } from './questions/grants.ts';
import type { Questions } from './questions/questions.ts';
import type { Language } from './texts/language.ts';

export type ChatIntake = Pick<Intake, 'submit' | 'find' | 'check' | 'cancel' | 'targets' | 'actions' | 'admit'>;

/** What everything that answers somebody is given. */
export interface ChatContext {
  readonly platform: ChatPlatform;
  readonly intake: ChatIntake;
  readonly schedules: Pick<ScheduleDesk, 'get' | 'list' | 'next' | 'occurrences' | 'pause' | 'resume' | 'run'>;
  readonly store: Store;
  readonly posts: Posts;
  readonly questions: Questions;
  readonly grants: Grants;
  readonly notices: Notices;
  readonly people: People;
  readonly codes: LinkCodes;
  readonly strangers: StrangerBudget;
  readonly events: Events;
  readonly aliases: readonly AliasConfig[];
  readonly staleAfterMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stopping: AbortSignal;
}

/** Somebody who has done something, and what is known of them. */
export interface Asker {
  readonly incoming: Incoming;
  readonly language: Language;
  /** Absent: nobody knows them. */
  readonly principal?: Principal | undefined;
  /** They have been told enough: only what nobody else sees is said. */
  readonly isMuted?: boolean;
  /** When it came to the bot first, epoch ms. */
  readonly since: number;
}
