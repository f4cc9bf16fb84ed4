import { setTimeout as sleep } from 'node:timers/promises';
import type { Ice } from '../stand-in/ice.ts';
import type { Connection, Handover } from './connection.ts';
import type { Connections } from './connections.ts';
import type { Counters } from './counters.ts';
import type { EventFaults } from './event-faults.ts';
import { newEventId } from './ids.ts';
import type { App } from './model.ts';
import { retryWaits, type Settings } from './settings.ts';
import { type HookRequest, handoverOf, postTo, sealed } from './webhook.ts';

/** An event for an app. */
export interface Draft {
  readonly app: App;
  /** `im.message.receive_v1` */
  readonly type: string;
  readonly event: object;
}

export interface Delivery {
  readonly appId: string;
  readonly type: string;
  readonly event: object;
  readonly attempts: readonly Attempt[];
  readonly state: 'waiting' | 'acknowledged' | 'given up';
}

export interface Attempt {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly eventId: string;
  /** The address of the webhook, or the id of the long connection; empty if there was none. */
  readonly via: string;
  readonly outcome: Handover['kind'];
  /** What went to the webhook; nothing on a long connection. */
  readonly request: HookRequest | undefined;
}

/** Hands events to apps: by webhook where one is subscribed, else by a long connection. */
export interface Deliveries {
  /** Until it is acknowledged, or four times again. Without a long connection it waits for one. */
  send(draft: Draft): void;
  /** Once, and at once. The pages do not say that a callback is ever repeated. */
  call(draft: Draft): Promise<Handover>;
  subscribe(app: App, url: string | undefined): void;
  urlOf(app: App): string | undefined;
  all(): readonly Delivery[];
  stop(): void;
}

interface Deps {
  readonly settings: Settings;
  readonly connections: Connections;
  readonly counters: Counters;
  readonly faults: EventFaults;
  /** Nothing is sent while one of them is frozen. */
  readonly gates: readonly Ice[];
}

interface Way {
  readonly url: string | undefined;
  readonly request: HookRequest | undefined;
  readonly connection: Connection | undefined;
}

interface Mutable extends Delivery {
  readonly createdAt: number;
  attempts: Attempt[];
  state: Delivery['state'];
}

export function createDeliveries({ settings, connections, counters, faults, gates }: Deps): Deliveries {
  const urls = new Map<App, string>();
  const deliveries: Mutable[] = [];
  const end = new AbortController();

  const opened = async (): Promise<void> => {
    for (const gate of gates) await gate.melted();
  };
  const enter = ({ app, type, event }: Draft): Mutable => {
    const delivery: Mutable = { appId: app.id, type, event, attempts: [], state: 'waiting', createdAt: Date.now() };
    deliveries.push(delivery);
    return delivery;
  };
  const attempt = async (draft: Draft, delivery: Mutable, eventId: string): Promise<Handover> => {
    const { app } = draft;
    const at = Date.now();
    const event = enveloped(draft, eventId, delivery.createdAt);
    const url = urls.get(app);
    const request = url === undefined ? undefined : sealed(app, event, faults.envelope());
    const connection = request ? undefined : connections.pick(app);
    counters.attempts += 1;
    const handover = await handOver(event, { url, request, connection });
    if (handover.kind === 'acknowledged') counters.acknowledged += 1;
    delivery.attempts.push({ at, eventId, via: url ?? connection?.id ?? '', outcome: handover.kind, request });
    return handover;
  };
  const handOver = async (event: object, { url, request, connection }: Way): Promise<Handover> => {
    const withinMs = settings.timing.acknowledge;
    if (url !== undefined && request) return handoverOf(await postTo(url, request, { withinMs }));
    const { frameBytes } = settings.limits;
    return connection?.push(JSON.stringify(event), { frameBytes, withinMs }) ?? { kind: 'unreachable' };
  };
  const deliver = async (draft: Draft): Promise<void> => {
    const delivery = enter(draft);
    let eventId = newEventId();
    for (const wait of [...retryWaits, undefined]) {
      await opened();
      if (!urls.has(draft.app)) await connections.opened(draft.app);
      if (end.signal.aborted) return;
      const { kind } = await attempt(draft, delivery, eventId);
      if (kind === 'acknowledged') delivery.state = 'acknowledged';
      if (kind === 'acknowledged' || wait === undefined) break;
      await sleep(wait * settings.timing.retryScale, undefined, { signal: end.signal });
      if (faults.renewsIds) eventId = newEventId();
    }
    if (delivery.state === 'waiting') delivery.state = 'given up';
  };
  return {
    send(draft) {
      const copies = faults.takeCopies(draft.type);
      // Only the end of the stand-in ends a delivery this way.
      for (let copy = 0; copy < copies; copy += 1) deliver(draft).catch(() => {});
    },
    async call(draft) {
      const calls = Array.from({ length: faults.takeCopies(draft.type) }, async () => {
        await opened();
        const delivery = enter(draft);
        const handover = await attempt(draft, delivery, newEventId());
        delivery.state = handover.kind === 'acknowledged' ? 'acknowledged' : 'given up';
        return handover;
      });
      const [first = { kind: 'timeout' } as const] = await Promise.all(calls);
      return first;
    },
    subscribe(app, url) {
      if (url === undefined) urls.delete(app);
      else urls.set(app, url);
    },
    urlOf: (app) => urls.get(app),
    all: () => deliveries,
    stop: () => end.abort(),
  };
}

/** https://open.feishu.cn/document/ukTMukTMukTM/uUTNz4SN1MjL1UzM/v2 */
export const enveloped = ({ app, type, event }: Draft, eventId: string, createdAt: number): object => ({
  schema: '2.0',
  header: {
    event_id: eventId,
    event_type: type,
    create_time: String(createdAt),
    token: app.verificationToken,
    app_id: app.id,
    tenant_key: app.tenant.key,
  },
  event,
});
