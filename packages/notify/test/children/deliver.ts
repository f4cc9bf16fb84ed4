import { createRegistry, Secret, silentLogger, systemClock } from '@moltbot/shared';
import { createSqliteStore } from '@moltbot/store';
import { createNotifications } from '../../src/index.ts';

/** Raises `count` notifications from `first` on and delivers what is due, for ever; it is killed. */
const [file = '', url = '', secret = '', first = '0', count = '0'] = process.argv.slice(2);

const store = createSqliteStore({ file, retention: { tasksMs: 3_600_000, outputMs: 1 }, log: silentLogger });
await store.start();
const notifications = createNotifications({
  config: {
    channels: {
      hook: {
        kind: 'webhook',
        tenant: 'default',
        url: new Secret(url),
        secret: new Secret(secret),
        allow: ['127.0.0.1'],
      },
    },
    routes: [{ tenant: 'default', match: { labels: {} }, to: ['hook'], continue: false }],
    group: { waitMs: 20, by: ['schedule'] },
    ...{ repeatAfterMs: 0, giveUpAfterMs: 3_600_000, quietHours: [] },
  },
  ...{
    tenants: ['default'],
    store,
    notifiers: [],
    registry: createRegistry('child'),
    clock: systemClock,
    log: silentLogger,
  },
});

const end = new AbortController();
const raise = async (): Promise<void> => {
  for (let n = Number(first); n < Number(first) + Number(count); n++) {
    await notifications.notify({
      ...{ id: `n${n}`, tenant: 'default', at: Date.now(), severity: 'warning', title: `number ${n}` },
      labels: { schedule: `${n % 7}` },
    });
    process.stdout.write(`n${n}\n`);
    if (n % 5 === 0) await systemClock.sleep(10);
  }
};
const deliver = async (): Promise<void> => {
  while (!end.signal.aborted) {
    await notifications.deliverDue(end.signal);
    await systemClock.sleep(5);
  }
};
await Promise.all([raise(), deliver()]);
