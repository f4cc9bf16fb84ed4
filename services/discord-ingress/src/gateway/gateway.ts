import { backoffMs, type Clock, type Logger, type Secret, type ServiceHealth } from '@moltbot/shared';
import type { Term } from '@moltbot/store';
import { type APIGatewayBotInfo, GatewayCloseCodes, type GatewayDispatchPayload, Routes } from 'discord-api-types/v10';
import type { DiscordRest } from '../rest/discord-rest.ts';
import { type Connection, openConnection, type Resumption } from './connection.ts';
import type { IdentifyBudget } from './identify-budget.ts';
import type { SessionJournal } from './session-journal.ts';

export interface GatewayDeps {
  readonly token: Secret;
  readonly intents: number;
  readonly rest: DiscordRest;
  readonly budget: IdentifyBudget;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing: GatewayTiming;
  onConnect(kind: 'begin' | 'resume'): void;
}

/** ms */
export interface GatewayTiming {
  readonly lookEvery: number;
  /** Silence after which a sign of life is asked for. */
  readonly probeAfter: number;
  /** Silence after which the connection is given up. */
  readonly deadAfter: number;
  /** Between two new sessions. https://discord.com/developers/docs/events/gateway#rate-limiting */
  readonly identifyEvery: number;
}

export const gatewayTiming: GatewayTiming = {
  lookEvery: 5_000,
  probeAfter: 15_000,
  deadAfter: 40_000,
  identifyEvery: 5_000,
};

export interface Gateway {
  /** Keeps connected until the term is over. Nothing is dispatched any more once it resolves. */
  run(term: Term, journal: SessionJournal, onDispatch: (payload: GatewayDispatchPayload) => void): Promise<void>;
  /** Ends the connection in hand; the next one goes on with its session. */
  reconnect(why: string): void;
  health(): ServiceHealth;
}

/** A connection that ends sooner than this was no success. */
const shortLivedMs = 10_000;
const patience = { baseMs: 500, maxMs: 8_000, jitter: 0.5 } as const;
/** At first at once, but not all that were cut in the same moment. */
const firstJitterMs = 200;
/** So many failures at the address of the session: the general one is tried. */
const failuresOfAddress = 3;
const addressWithinMs = 2_000;
/** Nothing becomes better by itself; each try costs one of the day's. */
const hopelessMs = 10 * 60_000;

const hopeless: Readonly<Record<number, string>> = {
  [GatewayCloseCodes.AuthenticationFailed]: 'Discord refuses the token',
  [GatewayCloseCodes.InvalidShard]: 'Discord refuses the shard',
  [GatewayCloseCodes.ShardingRequired]: 'the bot is in too many guilds for one connection',
  [GatewayCloseCodes.InvalidAPIVersion]: 'Discord knows this version of its gateway no more',
  [GatewayCloseCodes.InvalidIntents]: 'Discord does not know an intent',
  [GatewayCloseCodes.DisallowedIntents]:
    'grant the Message Content intent in the developer portal, or set messageContent: false',
};

export function createGateway(deps: GatewayDeps): Gateway {
  const { token, intents, rest, budget, clock, log, timing } = deps;
  let connection: Connection | undefined;
  let running: Term | undefined;
  let trouble: string | undefined;
  let failures = 0;

  const sleep = (ms: number, { signal }: Term): Promise<void> => clock.sleep(ms, signal).catch(() => {});
  const infoOf = (signal?: AbortSignal): Promise<APIGatewayBotInfo> =>
    rest.call<APIGatewayBotInfo>('get', Routes.gatewayBot(), { signal });
  /** The general address, where that of the session does not answer. */
  const resumeAt = async (url: string): Promise<string> => {
    if (failures < failuresOfAddress) return url;
    const info = await infoOf(AbortSignal.timeout(addressWithinMs)).catch(() => undefined);
    return info?.url ?? url;
  };
  /** Where the next connection goes; undefined when it has to wait, which it has then. */
  const prepare = async (
    term: Term,
    journal: SessionJournal,
  ): Promise<{ url: string; resumed?: Resumption } | undefined> => {
    const session = journal.session();
    if (!session) {
      const { url, session_start_limit: limit } = await infoOf();
      const waitMs = limit.remaining < 1 ? limit.reset_after : await budget.take();
      if (waitMs === 0) return { url };
      if (waitMs > 60_000)
        trouble = `${Math.ceil(waitMs / 60_000)} minutes until a new session may be begun: the budget of the day is used up`;
      await sleep(Math.min(waitMs, 60_000), term);
      return undefined;
    }
    const { sequence } = session;
    const url = await resumeAt(session.url);
    return { url, resumed: { sessionId: sequence.sessionId, url, sequence: sequence.received } };
  };
  /** Until it has ended, is silent for too long, or the term is over. */
  const watch = async (term: Term, current: Connection, heardAt: () => number): Promise<number> => {
    let ended: number | undefined;
    const over = new AbortController();
    const sleeping = AbortSignal.any([over.signal, term.signal]);
    const end = current.ended.then(({ code }) => {
      ended = code;
      over.abort();
    });
    const openedAt = clock.monotonic();
    let probedAt = Number.NEGATIVE_INFINITY;
    while (ended === undefined && !term.isOver()) {
      await clock.sleep(timing.lookEvery, sleeping).catch(() => {});
      const silence = clock.monotonic() - heardAt();
      if (ended !== undefined || term.isOver()) break;
      if (silence > timing.deadAfter) {
        log.warn({ silenceMs: Math.round(silence) }, 'nothing comes over the connection: it is given up');
        break;
      }
      if (!current.isReady() && clock.monotonic() - openedAt > timing.deadAfter) {
        log.warn({ afterMs: timing.deadAfter }, 'the connection has no session after all this time: it is given up');
        break;
      }
      if (silence > timing.probeAfter && clock.monotonic() - probedAt > timing.probeAfter) {
        probedAt = clock.monotonic();
        current.probe();
      }
    }
    await current.leave();
    await end;
    return ended ?? 0;
  };
  const connectOnce = async (
    term: Term,
    journal: SessionJournal,
    onDispatch: (payload: GatewayDispatchPayload) => void,
  ): Promise<void> => {
    const target = await prepare(term, journal);
    if (!target || term.isOver()) return;
    const { url, resumed } = target;
    let heardAt = clock.monotonic();
    let readyAt: number | undefined;
    const mine = openConnection({
      ...{ token, intents, url },
      resumption() {
        const session = journal.session();
        if (!session) return undefined;
        const { sequence } = session;
        return { sessionId: sequence.sessionId, url: resumed?.url ?? session.url, sequence: sequence.received };
      },
      onSign() {
        heardAt = clock.monotonic();
      },
      onLost: journal.lose,
      onDispatch(payload) {
        if (term.isOver()) return;
        if (readyAt === undefined && mine.isReady()) {
          readyAt = clock.monotonic();
          trouble = undefined;
          log.info({ resumed: resumed !== undefined }, 'connected to Discord');
          deps.onConnect(resumed ? 'resume' : 'begin');
        }
        onDispatch(payload);
      },
    });
    connection = mine;
    const code = await watch(term, mine, () => heardAt);
    connection = undefined;
    const isSuccess = readyAt !== undefined && clock.monotonic() - readyAt > shortLivedMs;
    failures = isSuccess ? 0 : failures + 1;
    if (term.isOver()) return;
    log.info({ code, failures }, 'the connection to Discord has ended');
    if (code === GatewayCloseCodes.InvalidSeq) journal.lose();
    const why = hopeless[code];
    if (why !== undefined) {
      trouble = why;
      log.error({ code }, why);
      await sleep(hopelessMs, term);
    }
  };

  return {
    async run(term, journal, onDispatch) {
      running = term;
      failures = 0;
      while (!term.isOver()) {
        await connectOnce(term, journal, onDispatch).catch((err: unknown) => {
          failures += 1;
          trouble = err instanceof Error ? err.message : String(err);
          log.warn({ err, failures }, 'could not connect to Discord');
        });
        const waitMs = failures < 2 ? Math.random() * firstJitterMs : backoffMs(failures - 1, patience);
        if (!term.isOver()) await sleep(waitMs, term);
      }
      running = undefined;
    },
    reconnect(why) {
      log.warn({ why }, 'connects to Discord anew');
      connection?.leave().catch(() => {});
    },
    health() {
      if (!running || connection?.isReady()) return { ok: true };
      return { ok: false, detail: trouble ?? 'not connected to Discord' };
    },
  };
}
