import { runRounds, type Service, type ServiceHealth } from '@moltbot/shared';
import { createLeadership, type Term } from '@moltbot/store';
import { createCatchUp } from './catch-up.ts';
import { defaultTiming, type LarkIngressDeps } from './deps.ts';
import { createDirectory } from './events/directory.ts';
import { eventToIncoming, mayBeForUs } from './events/event-to-incoming.ts';
import type { LarkEvent } from './events/lark-event.ts';
import { eventTypes, readPressed, readSaid } from './events/read-event.ts';
import { createEarlier } from './inbox/earlier.ts';
import { createEventDesk } from './inbox/event-desk.ts';
import { createInbox } from './inbox/inbox.ts';
import { createIngressMetrics } from './ingress-metrics.ts';
import { keepConnected } from './long-connection.ts';
import { createWebhookServer } from './webhook/webhook-server.ts';

export interface LarkIngress extends Service {
  /** Of the webhook, once started; 0 where there is none. */
  port(): number;
}

/**
 * One bot of Lark: takes its events in, by a long connection or by webhooks, and hands them to the chat. Every instance receives; one
 * leads: it keeps the posts, deals with what others left behind, and reads the history for what came by no event.
 */
export function createLarkIngress(deps: LarkIngressDeps): LarkIngress {
  const { name, config, api, chat, store, registry, clock, log } = deps;
  const timing = { ...defaultTiming, ...deps.timing };
  const { tenant } = config;
  const metrics = createIngressMetrics(registry, name);
  const stopping = new AbortController();
  const receiving = new AbortController();
  const directory = createDirectory({ config, api, clock, log, signal: stopping.signal });
  const inbox = createInbox({ tenant, account: name, store, clock, log, claimMs: timing.claim });
  const earlier = createEarlier({
    ...{ api, inbox, clock, log, signal: stopping.signal },
    mayBeForUs: (said) => mayBeForUs(config, said),
    since: (place) => catchUp.since(place),
  });
  const desk = createEventDesk({
    ...{ inbox, earlier, log, count: metrics.event, answerWithinMs: timing.answerWithin },
    async deal(event, answer) {
      const parts = { config, api, directory, signal: stopping.signal };
      const incoming = await eventToIncoming(parts, event, answer);
      if (incoming) await chat.handle(incoming);
      if (event.kind === 'said') await catchUp.noteSeen(event);
    },
  });
  const receive = async (event: LarkEvent | undefined): Promise<object | undefined> => {
    if (event && mayBeForUs(config, event)) return desk.receive(event);
    metrics.event('ignored');
    return undefined;
  };
  const onEvent = async (type: string, data: unknown): Promise<object | undefined> => {
    if (type === eventTypes.pressed) return receive(readPressed(data, clock.now()));
    return receive(type === eventTypes.said ? readSaid(data) : undefined);
  };
  const catchUp = createCatchUp({
    ...{ tenant, account: name, api, store, clock, log },
    async take(said) {
      if (mayBeForUs(config, said)) await desk.takeMissed(said);
    },
  });
  let isCatchingUp = false;
  const catchUpOnce = async (signal: AbortSignal): Promise<void> => {
    if (isCatchingUp) return;
    isCatchingUp = true;
    await catchUp.round(signal).finally(() => {
      isCatchingUp = false;
    });
  };

  const lead = async ({ signal }: Term): Promise<void> => {
    const duty = (what: string, everyMs: number, round: (signal: AbortSignal) => Promise<unknown>) =>
      runRounds({ name: what, everyMs, clock, log, signal, round });
    await Promise.all([
      chat.lead(signal),
      duty('the look at events that were left behind', timing.sweepEvery, desk.sweep),
      duty('the look at the history of chats', timing.catchUpEvery, catchUpOnce),
    ]);
  };
  const leadership = createLeadership({ name: `lark.${name}`, store, clock, log, leaseMs: timing.lease, lead });

  const { encryptKey, verificationToken } = config;
  const keys = {
    appId: config.appId,
    encryptKey: encryptKey?.reveal() ?? '',
    verificationToken: verificationToken?.reveal() ?? '',
  };
  const webhook =
    config.mode === 'webhook'
      ? createWebhookServer({ name, config: config.webhook, keys, clock, log, onEvent })
      : undefined;
  let isConnected = false;
  const setConnected = (next: boolean): void => {
    isConnected = next;
    metrics.setConnected(next);
  };
  let connection: Promise<void> | undefined;
  const connect = (): Promise<void> =>
    keepConnected(
      {
        ...{ api, clock, log, onEvent, events: Object.values(eventTypes) },
        ...{ pingEveryMs: timing.pingEvery, pongWithinMs: timing.pongWithin },
        onOpen() {
          setConnected(true);
          catchUpOnce(receiving.signal).catch((err: unknown) => {
            if (!receiving.signal.aborted) log.warn({ err }, 'the history could not be read after connecting');
          });
        },
        onLost: () => setConnected(false),
      },
      receiving.signal,
    );
  /** Nothing comes in any more, and what came in is dealt with, or left to another instance. */
  const endReceiving = async (force: AbortSignal): Promise<void> => {
    receiving.abort();
    await Promise.all([connection, webhook?.stop()]);
    const { promise: forced, resolve } = Promise.withResolvers<void>();
    if (force.aborted) resolve();
    else force.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([desk.settled(), forced]);
    setConnected(false);
  };

  return {
    name: `lark-ingress ${name}`,
    port: () => webhook?.port() ?? 0,
    async start() {
      if (webhook) {
        await webhook.start();
        setConnected(true);
      } else {
        connection = connect();
      }
      await leadership.start();
    },
    async quiesce(force) {
      await endReceiving(force);
      await leadership.quiesce(force);
    },
    async stop() {
      stopping.abort(new Error('stopping'));
      await endReceiving(stopping.signal);
      await leadership.stop();
    },
    health(): ServiceHealth {
      if (isConnected) return { ok: true };
      return { ok: false, detail: webhook ? 'does not listen' : 'has no long connection to Lark' };
    },
  };
}
