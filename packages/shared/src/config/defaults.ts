/** What is in force where nothing is written, in the words of a user. */
export const defaults = {
  bot: { name: 'moltbot' },
  gateway: { host: '127.0.0.1', port: 8420, bodyLimit: '1MiB', maxWait: '5m' },
  dataDir: '.moltbot',
  executor: {
    pool: 'default',
    slots: 32,
    ops: { host: '127.0.0.1', port: 0 },
    outputCap: '16MiB',
    timeouts: { connect: '15s', idle: '0s', total: '1h', queue: '24h' },
    watchAfter: '10m',
  },
  guard: { directory: '~/.moltbot', retention: '3d' },
  callbacks: { timeout: '10s', giveUpAfter: '24h' },
  ssh: { hostKeys: 'strict', channelsPerConnection: 8, startsPerHost: 4, keepalive: '10s', idleClose: '60s' },
  limits: { requests: { perSecond: 100, burst: 200 }, targetsPerTask: 1000 },
  retention: { tasks: '7d', output: '24h' },
  shutdown: { grace: '25s', force: '5s' },
  log: { level: 'info' },
  plugins: ['@moltbot/plugin-shell'],
  tenant: 'default',
  target: { transport: 'ssh', pool: 'default', port: 22, identity: 'default' },
} as const;
