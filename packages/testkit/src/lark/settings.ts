import type {
  AppOptions,
  ConnectionConfig,
  LarkOptions,
  Limits,
  TenantOptions,
  Timing,
  UserOptions,
} from './options.ts';

const days = 24 * 3_600_000;

/** What the pages of open.feishu.cn say; `textLife` is what a new tenant has. */
const defaultTiming: Timing = {
  acknowledge: 3_000,
  retryScale: 1,
  token: 7_200_000,
  uuid: 3_600_000,
  callbackToken: 30 * 60_000,
  cardLife: 14 * days,
  textLife: days,
  streaming: 10 * 60_000,
};

const defaultLimits: Limits = {
  perSecond: 50,
  perMinute: 1_000,
  perChat: 5,
  perUser: 5,
  perMessage: 5,
  perCard: 10,
  edits: 20,
  connections: 50,
  textBytes: 150 * 1024,
  cardBytes: 30 * 1024,
  fileBytes: 30 * 1024 * 1024,
  imageBytes: 10 * 1024 * 1024,
  frameBytes: 1024 * 1024,
};

/** The SDK's own defaults, which the platform confirms. */
const defaultConnection: ConnectionConfig = {
  reconnectCount: -1,
  reconnectInterval: 120,
  reconnectNonce: 30,
  pingInterval: 120,
};

const defaultUsers: Readonly<Record<string, UserOptions>> = { alice: {}, bob: { locale: 'zh_cn' } };

/** Every scope that a route or an event here asks for. */
export const allScopes: readonly string[] = [
  'im:message',
  'im:message:send_as_bot',
  'im:message:readonly',
  'im:message.group_msg',
  'im:message.group_at_msg:readonly',
  'im:message.p2p_msg:readonly',
  'im:resource',
  'im:chat:readonly',
  'cardkit:card:write',
  'contact:contact.base:readonly',
  'contact:user.base:readonly',
  'contact:group:readonly',
];

/** Milliseconds before an event is sent again. Told by users of the platform, not by its pages. */
export const retryWaits: readonly number[] = [15_000, 300_000, 3_600_000, 6 * 3_600_000];

/** Options with every default filled in. */
export interface Settings {
  readonly port: number | undefined;
  readonly host: string;
  readonly origin: string | undefined;
  readonly tenants: Readonly<Record<string, Required<TenantOptions>>>;
  readonly connection: ConnectionConfig;
  readonly timing: Timing;
  readonly limits: Limits;
}

export function compileOptions(options: LarkOptions): Settings {
  const tenants = Object.entries(options.tenants ?? { acme: {} });
  return {
    port: options.port,
    host: options.host ?? '127.0.0.1',
    origin: options.origin,
    tenants: Object.fromEntries(tenants.map(([name, tenant]) => [name, compileTenant(tenant)])),
    connection: { ...defaultConnection, ...options.connection },
    timing: { ...defaultTiming, ...options.timing },
    limits: { ...defaultLimits, ...options.limits },
  };
}

const defaultApps: Readonly<Record<string, AppOptions>> = { moltbot: {} };

const compileTenant = (tenant: TenantOptions): Required<TenantOptions> => ({
  apps: tenant.apps ?? defaultApps,
  users: tenant.users ?? defaultUsers,
  chats: tenant.chats ?? { general: {}, ops: {} },
  groups: tenant.groups ?? {},
});
