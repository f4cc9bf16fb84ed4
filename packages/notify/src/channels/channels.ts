import type { AnyNotifier, NotifierChannel } from '@moltbot/plugin-sdk';
import {
  type ChannelConfig,
  type Clock,
  type ErrorPlace,
  logChannel,
  MoltError,
  type NotificationsConfig,
  nearest,
} from '@moltbot/shared';
import { openEmail } from './email.ts';
import { openLog } from './log.ts';
import { openWebhook } from './webhook.ts';

export interface Channels {
  /** Undefined when the tenant has none of this name. */
  find(tenant: string, name: string): NotifierChannel | undefined;
  close(): Promise<void>;
}

export interface ChannelsDeps {
  readonly config: Pick<NotificationsConfig, 'channels'>;
  readonly notifiers: readonly AnyNotifier[];
  readonly clock: Clock;
}

/** @throws MOLT_BAD_CONFIG with every channel that cannot be opened. Does no I/O. */
export function openChannels({ config, ...deps }: ChannelsDeps): Channels {
  const builtInLog = openLog();
  const mistakes: ErrorPlace[] = [];
  const opened = Object.entries(config.channels).flatMap(([name, channel]) => {
    const open = openChannel(channel, deps);
    if ('send' in open) return [[name, { tenant: channel.tenant, channel: open }] as const];
    const at = `notifications.channels.${name}`;
    mistakes.push(...open.mistakes.map(({ path, message }) => ({ path: `${at}${path}`, message })));
    return [];
  });
  const [first] = mistakes;
  if (first) {
    for (const [, { channel }] of opened) void channel.close().catch(() => {});
    throw new MoltError('MOLT_BAD_CONFIG', `a channel cannot be opened: ${first.path} ${first.message}`, {
      places: mistakes,
    });
  }
  const channels = new Map(opened);
  return {
    find(tenant, name) {
      const found = channels.get(name);
      if (found?.tenant === tenant) return found.channel;
      return name === logChannel ? builtInLog : undefined;
    },
    async close() {
      await Promise.allSettled([...channels.values()].map(({ channel }) => channel.close()));
    },
  };
}

type Opened = NotifierChannel | { readonly mistakes: readonly ErrorPlace[] };

function openChannel(channel: ChannelConfig, deps: Omit<ChannelsDeps, 'config'>): Opened {
  try {
    if ('options' in channel) return openOffered(channel, deps);
    if (channel.kind === 'webhook') return openWebhook(channel, deps);
    return channel.kind === 'email' ? openEmail(channel) : openLog();
  } catch (error) {
    return { mistakes: [{ path: '', message: error instanceof Error ? error.message : String(error) }] };
  }
}

function openOffered(
  { kind, options }: Extract<ChannelConfig, { readonly options: unknown }>,
  { notifiers }: Pick<ChannelsDeps, 'notifiers'>,
): Opened {
  const notifier = notifiers.find((each) => each.kind === kind);
  if (!notifier) {
    const kinds = ['webhook', 'email', 'log', ...notifiers.map((each) => each.kind)];
    const meant = nearest(kind, kinds);
    const hint = meant === undefined ? `there are: ${kinds.join(', ')}` : `did you mean "${meant}"?`;
    return { mistakes: [{ path: '.kind', message: `no plugin offers the kind "${kind}"; ${hint}` }] };
  }
  const parsed = notifier.options.safeParse(JSON.parse(options.reveal()));
  if (parsed.success) return notifier.create(parsed.data);
  // Of the value nothing is told: it may be a secret.
  return {
    mistakes: parsed.error.issues.map(({ path, message }) => ({ path: `.options.${path.join('.')}`, message })),
  };
}
