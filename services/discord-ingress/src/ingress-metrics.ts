import { counter, gauge, type Registry } from '@moltbot/shared';

export interface IngressMetrics {
  connected(kind: 'begin' | 'resume'): void;
  incoming(kind: string): void;
  read(messages: number): void;
}

/** Several bots of a process share them, by the label `account`. */
export function createIngressMetrics(registry: Registry, account: string, isLeading: () => boolean): IngressMetrics {
  const labelNames = ['account'];
  const connections = counter(registry, {
    name: 'moltbot_discord_connections_total',
    help: 'Connections to the gateway, by whether they began a session or resumed one.',
    labelNames: [...labelNames, 'kind'],
  });
  const events = counter(registry, {
    name: 'moltbot_discord_incoming_total',
    help: 'What was given to the chat, by kind.',
    labelNames: [...labelNames, 'kind'],
  });
  const read = counter(registry, {
    name: 'moltbot_discord_read_messages_total',
    help: 'Messages read from channels after a session was lost.',
    labelNames,
  });
  const leads = gauge(registry, {
    name: 'moltbot_discord_leading',
    help: '1 in the instance that is connected for the bot.',
    labelNames,
  });
  return {
    connected(kind) {
      leads.set({ account }, Number(isLeading()));
      connections.inc({ account, kind });
    },
    incoming: (kind) => events.inc({ account, kind }),
    read: (messages) => read.inc({ account }, messages),
  };
}
