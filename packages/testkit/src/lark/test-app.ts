import type { Connections } from './connections.ts';
import { type Deliveries, enveloped } from './deliveries.ts';
import { parsedFields } from './fields.ts';
import { newEventId } from './ids.ts';
import type { App } from './model.ts';
import type { Settings } from './settings.ts';
import { type Envelope, type HookAnswer, type HookRequest, postTo, sealed } from './webhook.ts';
import type { World } from './world.ts';

/** An app as its developer sees it in the console, and what a test does to its webhook. */
export interface TestApp {
  readonly id: string;
  readonly secret: string;
  readonly name: string;
  /** Empty: events by webhook are plain. */
  readonly encryptKey: string;
  readonly verificationToken: string;
  readonly tenantKey: string;
  readonly botName: string;
  readonly botOpenId: string;
  /** Ids of the long connections that its events go to, as the SDK has them in `device_id`. */
  connections(): readonly string[];
  /** Sends events to an address from now on, if it meets the challenge; else leaves everything as it was. */
  subscribe(url: string): Promise<Subscription>;
  /** Back to the long connection. */
  unsubscribe(): void;
  /** An event as it would be sent, to be handed to `post`, changed or not. */
  seal(event: { readonly type: string; readonly event: object }, envelope?: Envelope): HookRequest;
  /** Any JSON, sealed in the same way: a challenge with a wrong token, say. */
  sealRaw(body: object, envelope?: Envelope): HookRequest;
  /** Posts one request to an address; never again, whatever the answer. */
  post(url: string, request: HookRequest, options?: { readonly chunk?: number }): Promise<HookAnswer>;
}

export interface Subscription extends HookAnswer {
  readonly accepted: boolean;
}

interface Deps {
  readonly settings: Settings;
  readonly world: World;
  readonly connections: Connections;
  readonly deliveries: Deliveries;
}

export function createTestApp(app: App, { settings, world, connections, deliveries }: Deps): TestApp {
  const withinMs = settings.timing.acknowledge;
  return {
    id: app.id,
    secret: app.secret,
    name: app.name,
    encryptKey: app.encryptKey,
    verificationToken: app.verificationToken,
    tenantKey: app.tenant.key,
    botName: app.botName,
    botOpenId: world.openId(app, app),
    connections: () => connections.of(app).map(({ id }) => id),
    async subscribe(url) {
      const challenge = newEventId();
      const body = { challenge, token: app.verificationToken, type: 'url_verification' };
      // The vendor's SDKs ask for no signature here, so there may be none.
      const answer = await postTo(url, sealed(app, body, { signed: false }), { withinMs });
      const accepted = answer.status === 200 && parsedFields(answer.body)?.['challenge'] === challenge;
      if (accepted) deliveries.subscribe(app, url);
      return { ...answer, accepted };
    },
    unsubscribe: () => deliveries.subscribe(app, undefined),
    seal: ({ type, event }, envelope) =>
      sealed(app, enveloped({ app, type, event }, newEventId(), Date.now()), envelope),
    sealRaw: (body, envelope) => sealed(app, body, envelope),
    post: (url, request, options) => postTo(url, request, { withinMs, ...options }),
  };
}
