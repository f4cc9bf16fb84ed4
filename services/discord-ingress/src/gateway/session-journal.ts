import type { Logger } from '@moltbot/shared';
import type { RecordName, Store, Term } from '@moltbot/store';
import { createSequence, type Sequence } from './sequence.ts';

/** Who the bot is, as READY says. */
export interface Identity {
  readonly botId: string;
  readonly applicationId: string;
}

/** A session of the gateway, and what of it is handled. */
export interface GatewaySession extends Identity {
  /** Where it is resumed. */
  readonly url: string;
  readonly sequence: Sequence;
}

/** As it is kept for whoever leads next. */
interface KeptSession extends Identity {
  /** Of the term that wrote it. */
  readonly epoch: number;
  readonly sessionId: string;
  readonly url: string;
  readonly handled: number;
  /** Events between the session before it and this one may be missing. */
  readonly hasGap: boolean;
}

export interface SessionJournal {
  /** Undefined: one has to be begun. */
  session(): GatewaySession | undefined;
  identity(): Identity | undefined;
  hasGap(): boolean;
  /** READY came. */
  begin(session: Omit<KeptSession, 'epoch' | 'handled'> & { readonly number: number }): void;
  /** It cannot be resumed any more. */
  lose(): void;
  /** What was missing is read. */
  closeGap(): void;
  /** Writes what has changed. @throws MOLT_STORE_DOWN @returns false when a later term has written: nothing may be written any more */
  flush(): Promise<boolean>;
}

export interface SessionJournalDeps {
  readonly store: Pick<Store, 'getRecord' | 'putRecord'>;
  readonly name: RecordName;
  readonly term: Term;
  readonly log: Logger;
}

/** The session of the term before goes on with what that has not handled. @throws MOLT_STORE_DOWN */
export async function openSessionJournal({ store, name, term, log }: SessionJournalDeps): Promise<SessionJournal> {
  const record = await store.getRecord(name);
  const kept = record && keptIn(record.value);
  if (record && !kept)
    log.error({ record: name.id }, 'the kept session of the gateway cannot be read: another is begun');
  let version = record?.version ?? 0;
  let session = kept && sessionOf(kept);
  let identity: Identity | undefined = kept && { botId: kept.botId, applicationId: kept.applicationId };
  let hasGap = kept?.hasGap ?? record !== undefined;
  let written = '';

  const write = async (value: string): Promise<boolean> => {
    const next = await store.putRecord(name, value, { version });
    if (next !== undefined) {
      version = next;
      written = value;
      return true;
    }
    const other = await store.getRecord(name);
    if (other && (keptIn(other.value)?.epoch ?? 0) > term.epoch) return false;
    version = other?.version ?? 0;
    return write(value);
  };

  return {
    session: () => session,
    identity: () => identity,
    hasGap: () => hasGap,
    begin({ sessionId, url, number, botId, applicationId, hasGap: gap }) {
      identity = { botId, applicationId };
      session = { ...identity, url, sequence: createSequence(sessionId, number) };
      hasGap = gap;
    },
    lose() {
      if (session)
        log.warn(
          { session: session.sequence.sessionId },
          'the session is lost: what came meanwhile is read from the channels',
        );
      session = undefined;
      hasGap = true;
    },
    closeGap() {
      hasGap = false;
    },
    async flush() {
      // A lost one stays there until there is another: whoever comes then learns the same.
      if (!session || !identity) return true;
      const { url, sequence } = session;
      const { sessionId } = sequence;
      const next: KeptSession = { ...identity, epoch: term.epoch, sessionId, url, handled: sequence.handled(), hasGap };
      const value = JSON.stringify(next);
      return value === written || write(value);
    },
  };
}

const sessionOf = ({ botId, applicationId, url, sessionId, handled }: KeptSession): GatewaySession => ({
  ...{ botId, applicationId, url },
  sequence: createSequence(sessionId, handled),
});

/** Undefined for what has another shape. */
function keptIn(value: string): KeptSession | undefined {
  const { epoch, sessionId, url, handled, botId, applicationId, hasGap = true } = partsIn(value);
  if (epoch === undefined || !sessionId || !url || handled === undefined || !botId || !applicationId) return undefined;
  return { epoch, sessionId, url, handled, botId, applicationId, hasGap };
}

function partsIn(value: string): Partial<KeptSession> {
  try {
    return (JSON.parse(value) ?? {}) as Partial<KeptSession>;
  } catch {
    return {};
  }
}
