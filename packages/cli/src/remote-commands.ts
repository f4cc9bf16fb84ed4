import { runIndexOf, taskIdOf } from '@moltbot/shared';
import { addressOf } from './api-address.ts';
import { type ApiAddress, type ApiCall, callApi } from './api-client.ts';
import { chatCommands } from './chat-commands.ts';
import { type Command, type ExitCode, exitCodes, type Terminal } from './command.ts';
import { query, type RemoteCommand, type Values } from './remote-command.ts';
import { scheduleCommands } from './schedule-commands.ts';

const task = (values: Values, more = ''): string => `/v1/tasks/${encodeURIComponent(String(values['task']))}${more}`;
const letter = (values: Values, more = ''): string =>
  `/v1/dead-letters/${encodeURIComponent(String(values['letter']))}${more}`;

const table: readonly RemoteCommand[] = [
  {
    ...{ name: 'task show', usage: 'TASK', summary: 'print a task, its runs and the end of their output' },
    words: ['task'],
    toCall: (values) => ({ method: 'GET', path: task(values) }),
  },
  {
    ...{ name: 'task cancel', usage: 'TASK', summary: 'cancel a task' },
    words: ['task'],
    toCall: (values) => ({ method: 'POST', path: task(values, '/cancel') }),
  },
  {
    name: 'task resolve',
    usage: 'TASK.INDEX --done|--rerun [--note TEXT]',
    summary: 'say what became of a run that ended unknown, or do it again',
    words: ['run'],
    options: { done: { type: 'boolean' }, rerun: { type: 'boolean' }, note: { type: 'string' } },
    toCall: toResolution,
  },
  {
    ...{ name: 'dead list', usage: '[--limit N] [--cursor CURSOR]', summary: 'list dead letters, newest first' },
    options: { limit: { type: 'string' }, cursor: { type: 'string' } },
    toCall: ({ limit, cursor }) => ({ method: 'GET', path: `/v1/dead-letters${query({ limit, cursor })}` }),
  },
  {
    ...{ name: 'dead show', usage: 'LETTER', summary: 'print a dead letter' },
    words: ['letter'],
    toCall: (values) => ({ method: 'GET', path: letter(values) }),
  },
  {
    ...{ name: 'dead replay', usage: 'LETTER', summary: 'do again what a dead letter was to do' },
    words: ['letter'],
    toCall: (values) => ({ method: 'POST', path: letter(values, '/replay') }),
  },
  {
    ...{ name: 'dead drop', usage: 'LETTER', summary: 'delete a dead letter' },
    words: ['letter'],
    toCall: (values) => ({ method: 'DELETE', path: letter(values) }),
  },
  {
    ...{
      name: 'notify list',
      usage: '[--limit N] [--cursor CURSOR]',
      summary: 'list what people were told, newest first',
    },
    options: { limit: { type: 'string' }, cursor: { type: 'string' } },
    toCall: ({ limit, cursor }) => ({ method: 'GET', path: `/v1/notifications${query({ limit, cursor })}` }),
  },
  {
    name: 'notify test',
    usage: '[--channel NAME] [--severity SEVERITY] [--title TEXT] [--text TEXT] [--label NAME=VALUE]',
    summary: 'try a channel, or the routes, and print what became of it',
    options: {
      ...{
        channel: { type: 'string' },
        severity: { type: 'string' },
        title: { type: 'string' },
        text: { type: 'string' },
      },
      label: { type: 'string', multiple: true },
    },
    toCall: toTest,
  },
  ...scheduleCommands,
  ...chatCommands,
];

/** The commands that ask a running Moltbot; each prints the answer as JSON. */
export const remoteCommands: readonly Command[] = table.map(({ usage, options, toCall, ...rest }) => ({
  ...rest,
  usage: `${usage} [--url URL] [--key KEY]`,
  options: { ...options, url: { type: 'string' }, key: { type: 'string' } },
  async run(values, terminal) {
    const call = toCall(values);
    if (typeof call === 'string') return misused(call, terminal);
    const address = addressOf(values, terminal);
    return typeof address === 'string' ? misused(address, terminal) : ask(address, call, terminal);
  },
}));

async function ask(address: ApiAddress, call: ApiCall, { print, complain }: Terminal): Promise<ExitCode> {
  const answer = await callApi(address, call);
  if (answer.kind === 'refused') {
    complain(answer.why);
    return exitCodes.failed;
  }
  print(answer.body === undefined ? 'done' : JSON.stringify(answer.body, null, 2));
  return exitCodes.ok;
}

function misused(why: string, { complain }: Terminal): ExitCode {
  complain(why);
  return exitCodes.usage;
}

function toResolution({ run, done, rerun, note }: Values): ApiCall | string {
  const id = String(run);
  if (!/^[^.]+\.\d+$/.test(id)) return `"${id}" is no id of a run: write TASK.INDEX`;
  if (Boolean(done) === Boolean(rerun)) return 'say one of --done and --rerun';
  const path = `/v1/tasks/${encodeURIComponent(taskIdOf(id))}/runs/${runIndexOf(id)}/resolve`;
  return { method: 'POST', path, body: { as: done ? 'done' : 'rerun', note } };
}

function toTest({ channel, severity, title, text, label }: Values): ApiCall | string {
  const labels: Record<string, string> = {};
  for (const each of Array.isArray(label) ? label.map(String) : []) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(each) ?? [];
    if (name === undefined || value === undefined) return `"${each}" is no label: write NAME=VALUE`;
    labels[name] = value;
  }
  return { method: 'POST', path: '/v1/notifications/test', body: { channel, severity, title, text, labels } };
}
