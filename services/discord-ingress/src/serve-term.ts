import type { Chat, Incoming, Usage } from '@moltbot/chat';
import { type Clock, type DiscordConfig, type Logger, runRounds, withDeadline } from '@moltbot/shared';
import type { RecordName, Store, Term } from '@moltbot/store';
import { GatewayDispatchEvents as Event, type GatewayDispatchPayload } from 'discord-api-types/v10';
import { registerCommands } from './commands/register-commands.ts';
import { catchUp } from './events/catch-up.ts';
import { createDeafness } from './events/deafness.ts';
import { createMembers } from './events/members.ts';
import { createPlaces } from './events/places.ts';
import { createReception } from './events/reception.ts';
import { openSeenMessages, type SeenMessages } from './events/seen.ts';
import type { Gateway } from './gateway/gateway.ts';
import { openSessionJournal, type SessionJournal } from './gateway/session-journal.ts';
import type { IngressMetrics } from './ingress-metrics.ts';
import type { DiscordRest } from './rest/discord-rest.ts';

export interface TermDeps {
  /** Of records and lease: `discord.<name>`. */
  readonly prefix: string;
  readonly config: DiscordConfig;
  readonly chat: Chat;
  readonly store: Store;
  readonly rest: DiscordRest;
  readonly gateway: Gateway;
  readonly metrics: IngressMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing: TermTiming;
  usages(tenant: string): readonly Usage[];
  record(kind: string, id: string): RecordName;
}

/** ms */
export interface TermTiming {
  /** Between two writings of what is handled. What was not written comes again. */
  readonly flushEvery: number;
  /** Between two looks whether messages come at all. */
  readonly listenEvery: number;
}

export const termTiming: TermTiming = { flushEvery: 250, listenEvery: 20_000 };

const lastFlushMs = 1_000;
const retryMs = 500;

/** What the leading instance does: it holds the connection, and gives what comes over it to the chat. Ends with the term. */
export async function serveTerm(term: Term, deps: TermDeps): Promise<Reception> {
  const { config, chat, rest, gateway, metrics, clock, log, timing } = deps;
  const opened = await openRecords(term, deps);
  if (!opened) return { idle: async () => {} };
  const { journal, seen } = opened;
  const botId = () => journal.identity()?.botId;
  const places = createPlaces({ config, rest, botId });
  const reception = createReception({
    ...{ term, config, rest, places, chat, seen, clock, log, botId, rolesOf: createMembers(rest, clock) },
    onIncoming: (kind: Incoming['kind']) => metrics.incoming(kind),
  });
  const deafness = createDeafness(rest, seen);
  const readMissed = () =>
    catchUp({ ...{ config, rest, seen, reception, term, clock, log }, onRead: metrics.read }).catch((err: unknown) =>
      log.error({ err }, 'what was written meanwhile could not be read'),
    );
  let filling: string | undefined;
  const fillGap = async (): Promise<void> => {
    const session = journal.session()?.sequence.sessionId;
    if (session !== undefined && filling === session) return;
    filling = session;
    await readMissed();
    if (filling === session) filling = undefined;
    if (!term.isOver() && journal.session()?.sequence.sessionId === session) journal.closeGap();
  };
  const known = Promise.withResolvers<string>();
  const identity = journal.identity();
  if (identity) known.resolve(identity.applicationId);

  const take = (payload: GatewayDispatchPayload): void => {
    if (payload.t === Event.Ready) {
      const { session_id: sessionId, resume_gateway_url: url, user, application } = payload.d;
      const hasGap = journal.identity() !== undefined || !seen.isFirst();
      journal.begin({ sessionId, url, number: payload.s, botId: user.id, applicationId: application.id, hasGap });
      known.resolve(application.id);
      // Whoever comes next may come at once.
      flush().catch(() => {});
      if (hasGap) fillGap().catch(() => {});
      return;
    }
    const handled = journal.session()?.sequence.take(payload.s) ?? (() => {});
    if (payload.t === Event.MessageCreate) {
      deafness.hear(payload.d.channel_id, payload.d.id);
      reception.message(payload.d, handled);
    } else if (payload.t === Event.InteractionCreate) {
      reception.interaction(payload.d, handled);
    } else {
      handled();
      if (payload.t === Event.Resumed && journal.hasGap()) fillGap().catch(() => {});
    }
  };
  const duty = (name: string, everyMs: number, round: () => Promise<unknown>) =>
    runRounds({ name, everyMs, clock, log, signal: term.signal, round });
  const flush = async (): Promise<void> => {
    await seen.flush();
    if (!(await journal.flush())) log.error({ epoch: term.epoch }, 'another instance leads: nothing more is written');
  };
  const listen = async (): Promise<void> => {
    if (!(await deafness.look()) || term.isOver()) return;
    gateway.reconnect('a message was written of which no event told');
    await readMissed();
  };
  const register = async (): Promise<void> => {
    const applicationId = await Promise.race([known.promise, ended(term)]);
    if (applicationId !== undefined) {
      const recordOf = (guild: string) => deps.record('chat.commands', `${deps.prefix}.${guild}`);
      await registerCommands({ ...deps, term, recordOf }, applicationId);
    }
  };

  // Before a session goes on: it begins with what was written after the gap, and what is handled last is where reading begins.
  if (journal.hasGap()) fillGap().catch(() => {});
  await Promise.all([
    gateway.run(term, journal, take),
    duty('the note of what is handled', timing.flushEvery, flush),
    duty('the look whether messages come', timing.listenEvery, listen),
    register(),
    chat.lead(term.signal),
  ]);
  await withDeadline({ ms: lastFlushMs, what: 'the last note of what is handled' }, () => flush()).catch(
    (err: unknown) => log.warn({ err }, 'what was handled last is not noted: it comes again'),
  );
  return reception;
}

interface Reception {
  /** Resolves when nothing is in hand. */
  idle(): Promise<void>;
}

const ended = ({ signal }: Term): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

async function openRecords(
  term: Term,
  { prefix, record, store, clock, log }: TermDeps,
): Promise<{ journal: SessionJournal; seen: SeenMessages } | undefined> {
  while (!term.isOver()) {
    try {
      const name = record('chat.session', prefix);
      const seenOf = record('chat.seen', prefix);
      const [journal, seen] = await Promise.all([
        openSessionJournal({ store, name, term, log }),
        openSeenMessages({ store, tenant: seenOf.tenant, kind: seenOf.kind, prefix, clock }),
      ]);
      // From now on, nothing of an earlier term is written.
      await journal.flush();
      return { journal, seen };
    } catch (err) {
      log.warn({ err }, 'the last session could not be read yet');
      await clock.sleep(retryMs, term.signal).catch(() => {});
    }
  }
  return undefined;
}
