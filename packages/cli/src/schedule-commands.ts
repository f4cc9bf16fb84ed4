import { query, type RemoteCommand, type Values } from './remote-command.ts';

const text = { type: 'string' } as const;

const pathOf = (values: Values, more = ''): string =>
  `/v1/schedules/${encodeURIComponent(String(values['schedule']))}${more}`;

const post = (verb: string, summary: string): RemoteCommand => ({
  ...{ name: `schedule ${verb}`, usage: 'SCHEDULE', summary, words: ['schedule'] },
  toCall: (values) => ({ method: 'POST', path: pathOf(values, `/${verb}`) }),
});

/** The calls of the API about schedules. */
export const scheduleCommands: readonly RemoteCommand[] = [
  {
    ...{ name: 'schedule list', usage: '[--limit N] [--cursor CURSOR]', summary: 'list schedules' },
    options: { limit: text, cursor: text },
    toCall: ({ limit, cursor }) => ({ method: 'GET', path: `/v1/schedules${query({ limit, cursor })}` }),
  },
  {
    ...{ name: 'schedule show', usage: 'SCHEDULE', summary: 'print a schedule', words: ['schedule'] },
    toCall: (values) => ({ method: 'GET', path: pathOf(values) }),
  },
  {
    ...{
      name: 'schedule next',
      usage: 'SCHEDULE [--count N]',
      summary: 'print its next instants, in its zone and in UTC',
    },
    ...{ words: ['schedule'], options: { count: text } },
    toCall: (values) => ({ method: 'GET', path: pathOf(values, `/next${query({ count: values['count'] })}`) }),
  },
  {
    name: 'schedule history',
    usage: 'SCHEDULE [--state STATES] [--since TIME] [--until TIME] [--limit N] [--cursor CURSOR]',
    summary: 'print what became of its instants, newest first',
    words: ['schedule'],
    options: { state: text, since: text, until: text, limit: text, cursor: text },
    toCall: (values) => {
      const { state, since, until, limit, cursor } = values;
      return { method: 'GET', path: pathOf(values, `/occurrences${query({ state, since, until, limit, cursor })}`) };
    },
  },
  post('pause', 'pause a schedule'),
  post('resume', 'resume a schedule'),
  post('run', 'run a schedule once, now'),
  {
    ...{ name: 'schedule backfill', usage: 'SCHEDULE --from TIME --to TIME', summary: 'run its instants of the past' },
    ...{ words: ['schedule'], options: { from: text, to: text } },
    toCall: (values) => {
      const { from, to } = values;
      if (from === undefined || to === undefined) return 'say --from and --to, such as 2026-01-31T08:00:00Z';
      return { method: 'POST', path: pathOf(values, '/backfill'), body: { from, to } };
    },
  },
  {
    ...{ name: 'schedule drop', usage: 'SCHEDULE', summary: 'delete a schedule', words: ['schedule'] },
    toCall: (values) => ({ method: 'DELETE', path: pathOf(values) }),
  },
];
