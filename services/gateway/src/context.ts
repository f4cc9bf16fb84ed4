import type { ChatDesk } from '@moltbot/chat';
import type { DeadLetters, Intake } from '@moltbot/intake';
import type { NotificationDesk } from '@moltbot/notify';
import type { ScheduleDesk } from '@moltbot/schedules';
import type { Clock, GatewayConfig, Logger, Registry, Service, ServiceHealth } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { GatewayMetrics } from './metrics.ts';
import type { Traffic } from './traffic.ts';

/** The reading half of the store: the gateway writes through the intake alone. */
export type TaskReader = Pick<
  Store,
  'getTask' | 'getRuns' | 'listTasks' | 'readOutput' | 'tailOutput' | 'readEvents' | 'watchTask' | 'watchEnd'
>;

export interface GatewayDeps {
  readonly config: GatewayConfig;
  /** `bot.name` of the configuration; the title of the API's documents. */
  readonly botName: string;
  readonly intake: Omit<Intake, keyof Service | 'find'>;
  readonly deadLetters: Omit<DeadLetters, keyof Service>;
  readonly schedules: ScheduleDesk;
  readonly notifications: NotificationDesk;
  readonly chat: ChatDesk;
  readonly store: TaskReader;
  readonly registry: Registry;
  /** Readiness of the whole process, as /readyz tells it. */
  readonly ready: () => ServiceHealth;
  readonly log: Logger;
  readonly clock: Clock;
}

/** What the routes are given. */
export interface GatewayContext extends GatewayDeps {
  readonly metrics: GatewayMetrics;
  readonly traffic: Traffic;
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;
