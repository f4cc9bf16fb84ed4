import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { npmStart, type Start } from './npm-start.ts';

const directory = mkdtempSync(join(tmpdir(), 'moltbot-demo-test-'));
/** Where the demo keeps what it needs. */
const scratch = join(directory, 'tmp');
const dataDir = join(directory, 'data');

/** What the page shows of a message, as far as it is looked at here. */
interface Shown {
  readonly id: string;
  readonly content: string;
  readonly replyTo?: { readonly content: string };
  readonly embeds: readonly { readonly title?: string; readonly description?: string }[];
  readonly components: readonly {
    readonly components: readonly { readonly label: string; readonly custom_id: string }[];
  }[];
}

interface State {
  readonly dm: string;
  readonly guilds: readonly { readonly channels: readonly { readonly id: string; readonly name: string }[] }[];
}

let demo: Start;
let address: URL;
let cookie = '';
let ops = '';

beforeAll(async () => {
  mkdirSync(scratch);
  demo = npmStart({
    args: ['--demo-chat'],
    // What somebody has who runs a Moltbot already: none of it is touched.
    environment: { TMPDIR: scratch, MOLTBOT_CONFIG: join(directory, 'none.yaml'), MOLTBOT_DATA_DIR: dataDir },
    logFile: join(directory, 'demo.log'),
  });
  address = new URL(await demo.says('where the page is', /^ +Open (http:\S+)$/m));
  await demo.says('how it ends', /(Ctrl-C)/);
  const entrance = await fetch(address, { redirect: 'manual' });
  cookie = entrance.headers.get('set-cookie')?.split(';')[0] ?? '';
  ops = (await read<State>('state', {})).guilds[0]?.channels.find(({ name }) => name === 'ops')?.id ?? '';
});
afterAll(() => {
  demo?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const at = (path: string): string => new URL(path, address).href;

async function read<T>(name: string, query: Record<string, string>, user = 'alice'): Promise<T> {
  const response = await fetch(at(`/page/${name}?${new URLSearchParams({ user, ...query })}`), { headers: { cookie } });
  return (await response.json()) as T;
}

async function act(name: string, body: Record<string, unknown>): Promise<void> {
  const headers = { cookie, 'content-type': 'application/json' };
  const response = await fetch(at(`/page/${name}`), { method: 'POST', headers, body: JSON.stringify(body) });
  expect(response.status, await response.text()).toBe(200);
}

const say = (text: string, user = 'alice', channel = ops): Promise<void> => act('say', { user, channel, text });

/** The answer in the channel to what was written, once it says all of this. */
const answerTo = (written: string, parts: readonly string[], channel = ops): Promise<Shown> =>
  eventually(
    `an answer to ${written} with ${parts.join(', ')}`,
    async () => {
      const messages = await read<readonly Shown[]>('messages', { channel });
      return messages.find((message) => {
        const text = message.embeds.map(({ title, description }) => `${title} ${description}`).join();
        return message.replyTo?.content === written && parts.every((part) => text.includes(part));
      });
    },
    { everyMs: 100 },
  );

test('the line it prints is all that is needed: the command runs, and is answered', async () => {
  const command = /and write: (.+)$/m.exec(demo.output())?.[1] ?? '';
  await say(command);
  await answerTo(command, ['succeeded', 'Linux ']);
});

test('several hosts, labels and slash commands are there to be tried', async () => {
  await say('!run on:env=prod,role=web -- echo $((6 * 7))');
  await answerTo('!run on:env=prod,role=web -- echo $((6 * 7))', ['5 hosts', '42']);
  const commands = await read<readonly { name: string }[]>('commands', { channel: ops });
  expect(commands.map(({ name }) => name)).toContain('run');
});

test('a direct message needs no prefix, and who is no operator runs nothing', async () => {
  const { dm } = await read<State>('state', {});
  await say('run on:local -- echo in private', 'alice', dm);
  await answerTo('run on:local -- echo in private', ['succeeded', 'in private'], dm);
  const marker = join(directory, 'eve');
  await say(`!run on:local -- touch ${marker}`, 'eve');
  await answerTo(`!run on:local -- touch ${marker}`, ['moltbot chat code']);
  expect(existsSync(marker)).toBe(false);
});

test('what needs a second person waits for one', async () => {
  const asked = '!demo.release on:db-1 version=1.4.2';
  await say(asked);
  const question = await answerTo(asked, ['Approval']);
  const approve = question.components[0]?.components.find(({ label }) => label === 'Approve');
  await act('press', { user: 'bob', message: question.id, customId: approve?.custom_id });
  await answerTo(asked, ['succeeded', '1.4.2 is live']);
});

test('without the key of the address nobody on the machine gets in', async () => {
  for (const path of ['/', '/page/state?user=alice', '/?key=0123']) {
    expect((await fetch(at(path), { redirect: 'manual' })).status).toBe(403);
  }
  const spoken = await fetch(at('/page/say'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: 'alice', channel: ops, text: '!run on:local -- id' }),
  });
  expect(spoken.status).toBe(403);
});

test('the line to be told something works as it stands', async () => {
  const [line = ''] = /MOLTBOT_URL=[^\n]+\\\n[^\n]+$/m.exec(demo.output()) ?? [];
  await promisify(execFile)('sh', ['-c', line], { cwd: join(import.meta.dirname, '..') });
  const title = 'The disk of db-1 is full';
  await eventually('the notification', async () => {
    const messages = await read<readonly Shown[]>('messages', { channel: ops });
    return messages.some(({ embeds }) => embeds.some((embed) => embed.title?.includes(title)));
  });
});

test('Ctrl-C ends it with what runs in it, and nothing of it is left', async () => {
  const pidFile = join(directory, 'pid');
  const sleeping = `!run on:local -- echo $$ > ${pidFile}; echo asleep; sleep 600`;
  await say(sleeping);
  await answerTo(sleeping, ['asleep']);
  demo.signal('SIGINT');
  expect(await demo.ended()).toEqual({ code: 0, signal: null });
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    `kill -0 $(cat ${pidFile}) 2>&1 && echo alive || echo gone`,
  ]);
  expect(stdout).toContain('gone');
  expect(readdirSync(scratch).filter((name) => name.startsWith('moltbot'))).toEqual([]);
  expect(existsSync(dataDir)).toBe(false);
  await expect(fetch(at('/'))).rejects.toThrow('fetch failed');
});
