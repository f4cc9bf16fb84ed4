import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DiscordMessage, eventually, type TestDiscord } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChatLab, labAliases, startChatLab } from './lab.ts';
import { startTestDiscord, textOfDiscord } from './platforms.ts';

const ticking = {
  ...{ id: 'tick-tock', when: 'every 1h' },
  task: { action: 'shell.run', on: 'web-1', args: { command: 'echo tick $((10 + 7))' } },
};

type Options = Parameters<ReturnType<TestDiscord['user']>['slash']>[2];

/** What Discord has beside what every platform has. */
describe('Discord', () => {
  let discord: TestDiscord;
  let lab: ChatLab;
  beforeAll(async () => {
    const platform = await startTestDiscord({ isPatient: true });
    discord = platform.discord;
    lab = await startChatLab(platform, { schedules: [ticking] });
    await eventually('its commands', () => discord.commands('ops').length > 0);
  }, 60_000);
  afterAll(async () => {
    await lab?.stop();
    await discord?.stop();
  });

  const use = (command: string, options: Options = {}, { user = 'alice', channel = 'ops' } = {}) =>
    discord.user(user).slash(channel, command, options);
  const ofBot = (channel = 'ops') => discord.messages(channel).filter(({ author }) => author === 'moltbot');
  const textOf = (message: DiscordMessage | undefined): string => (message ? textOfDiscord(message) : '');
  const until = (id: string, ...parts: readonly string[]): Promise<DiscordMessage> =>
    eventually(`the message with ${parts.join(', ')}`, () => {
      const message = discord.message(id);
      return parts.every((part) => textOf(message).includes(part)) && message;
    });
  /** What all see: the message that first stood for the answer, with the parts. */
  const answered = async (used: ReturnType<typeof use>, ...parts: readonly string[]): Promise<DiscordMessage> => {
    const { kind, message } = await used.answer();
    expect(kind).toBe('deferred');
    const shown = await until(message?.id ?? '', ...parts);
    expect(shown).toMatchObject({ loading: false, ephemeralFor: undefined });
    return shown;
  };
  /** What the asker alone sees. */
  const whispered = async (used: ReturnType<typeof use>, user = 'alice'): Promise<string> => {
    const { kind, message } = await used.answer();
    expect([kind, message?.ephemeralFor]).toEqual(['message', user]);
    return textOf(message);
  };

  describe('a slash command', () => {
    test('is answered by the message that said that an answer comes, edited in place', async () => {
      const before = ofBot().length;
      const used = use('run', { on: 'web-1', command: 'echo $((20 + 1)); sleep 2; echo $((30 + 3))' });
      const running = await answered(used, '\n21\n', 'running');
      expect(running.buttons.map(({ label }) => label)).toEqual(['Cancel']);
      const ended = await until(running.id, '\n33\n', 'succeeded');
      expect(ended.buttons.map(({ label }) => label)).toEqual(['Rerun', 'Details']);
      expect(ofBot()).toHaveLength(before + 1);
    });

    test('may be an action, with typed options', async () => {
      await answered(use('system-status', { on: 'web-1', top: 1 }), 'succeeded');
    });

    test('may be an alias, with its words as options', async () => {
      await answered(use('say', { on: 'web-1', one: 'a b', two: 'c;id' }), 'a b|c;id|');
      await answered(use('uptime-of-web'), 'load average');
    });

    test('asks before what its action calls for, in the same message', async () => {
      const asked = await answered(use('risky-deploy', { on: 'web-1', version: '3.1' }), '3.1');
      expect(asked.buttons.map(({ label }) => label)).toEqual(['Run now', 'Dismiss']);
      await discord
        .user('alice')
        .press(asked.id, asked.buttons[0]?.customId ?? '')
        .answer();
      await until(asked.id, 'Run by');
      await eventually('its answer', () => ofBot().some((message) => textOf(message).includes('deployed 3.1')));
    });
  });

  describe('what is typed', () => {
    const complete = async (user: string, command: string, option: string, partial: string) => {
      const others: Options = command === 'run' ? { command: 'id' } : {};
      const choices = await discord.user(user).autocomplete('ops', command, { option, partial, others });
      return choices.map(({ value }) => value);
    };

    test('is completed to targets and labels, for those who may see them', async () => {
      expect(await complete('alice', 'run', 'on', 'web')).toContain('web-1');
      expect(await complete('alice', 'run', 'on', 'fleet=')).toContain('fleet=all');
      expect(await complete('alice', 'run', 'on', 'nothing-like-it')).toEqual([]);
      expect(await complete('mallory', 'run', 'on', 'web')).toEqual([]);
    });

    test('is completed to tasks, of which one is cancelled so', async () => {
      const running = await answered(
        use('run', { on: 'web-1', command: 'echo to-be-cancelled; sleep 600' }),
        'running',
      );
      const [task = ''] = await complete('alice', 'cancel', 'task', 'to-be-cancelled');
      expect(textOf(running)).toContain(task);
      expect(await whispered(use('cancel', { task }))).toContain('is being cancelled');
      await until(running.id, 'cancelled');
    });
  });

  test('a schedule is completed to its id, shown to the asker alone, and run in the channel', async () => {
    const choices = await discord.user('alice').autocomplete('ops', 'fire', { option: 'schedule', partial: 'tock' });
    expect(choices.map(({ value }) => value)).toEqual(['tick-tock']);
    const strangers = discord.user('mallory').autocomplete('ops', 'fire', { option: 'schedule', partial: '' });
    expect(await strangers).toEqual([]);
    expect(await whispered(use('schedule', { schedule: 'tick-tock' }))).toContain('every 1 h');
    expect(await whispered(use('schedules', { words: 'tock' }))).toContain('1 schedule');
    await answered(use('fire', { schedule: 'tick-tock' }), 'tick 17', 'succeeded');
    expect(await whispered(use('pause', { schedule: 'tick-tock' }))).toContain('tick-tock is paused');
    expect(await whispered(use('resume', { schedule: 'tick-tock' }))).toContain('tick-tock is resumed');
  });

  describe('a script', () => {
    test('is written in a form', async () => {
      const { modal } = await use('script', { on: 'web-1' }).answer();
      if (!modal) throw new Error('no form');
      const script = 'for n in 1 2 3\ndo echo "n=$n"\ndone';
      await answered(discord.user('alice').submitModal(modal, { text: script }), 'n=1', 'n=2', 'n=3', 'succeeded');
    });

    test('comes as a file', async () => {
      const file = { name: 'count.sh', data: 'seq 3 | paste -sd+\n' };
      await answered(use('script', { on: 'web-1', file }), '1+2+3', 'succeeded');
    });
  });

  describe('what concerns the asker alone', () => {
    test.each<[string, Options, readonly string[]]>([
      ['run', { on: 'nowhere', command: 'id' }, ['MOLT_NO_TARGETS']],
      ['run', { on: 'web-1 (', command: 'id' }, ['MOLT_BAD_SELECTOR']],
      ['show', { task: '00000000-0000-7000-8000-000000000000' }, ['MOLT_NOT_FOUND']],
      ['help', {}, ['run on:TARGETS']],
      ['targets', { on: 'role=web' }, ['web-1']],
    ])('is seen by nobody else: /%s %j', async (command, options, parts) => {
      const before = discord.seen('bob', 'ops').length;
      const text = await whispered(use(command, options));
      for (const part of parts) expect(text).toContain(part);
      expect(discord.seen('bob', 'ops')).toHaveLength(before);
    });

    test('is told to whom nobody knows, and nothing is run', async () => {
      const marker = join(lab.directory, 'mallory');
      const used = use('run', { on: 'web-1', command: `touch ${marker}` }, { user: 'mallory' });
      expect(await whispered(used, 'mallory')).toContain('MOLT_CHAT_UNLINKED');
      expect(existsSync(marker)).toBe(false);
    });
  });

  test('the language is that of the client, until somebody chooses one', async () => {
    const wang = { user: 'wang' };
    const run = (): ReturnType<typeof use> => use('run', { on: 'web-1', command: 'echo ok' }, wang);
    const ended = await answered(run(), '成功 · 退出码 0');
    expect(ended.buttons.map(({ label }) => label)).toEqual(['重新运行', '详情']);
    expect(await whispered(use('run', { on: 'nowhere', command: 'id' }, wang), 'wang')).toContain('没有');
    expect((await use('script', {}, wang).answer()).modal?.modal.title).toBe('运行脚本');
    expect(await whispered(use('language', { language: 'en' }, wang), 'wang')).toContain('English');
    await answered(run(), 'succeeded · exit code 0');
    await answered(use('run', { on: 'web-1', command: 'echo ok' }), 'succeeded · exit code 0');
  });

  test('what is said in a thread is answered there, with its files', async () => {
    const thread = await openThread();
    const { id } = discord.user('alice').say(thread, 'run on:web-1 -- seq 1 5000', { mentions: ['moltbot'] });
    const said = await eventually('the answer', () =>
      ofBot(thread).find((message) => message.replyTo === id && textOf(message).includes('succeeded')),
    );
    const file = await eventually('its file', () => ofBot(thread).find(({ replyTo }) => replyTo === said.id));
    expect(file.files[0]?.text()).toContain('\n4999\n5000\n');
    const used = use('run', { on: 'web-1', command: 'echo in the thread' }, { channel: thread });
    expect((await answered(used, 'in the thread', 'succeeded')).channelId).toBe(thread);
    expect(ofBot().some((message) => /seq 1 5000|in the thread/.test(textOf(message)))).toBe(false);
  });

  describe('an interaction that comes too late to be answered', () => {
    const late = async (options: Options): Promise<void> => {
      discord.faults.freeze();
      const used = use('run', options);
      await expect(used.answer()).rejects.toThrow('did not respond');
      await delay(100);
      discord.faults.thaw();
    };
    const shownInChannel = (...parts: readonly string[]): Promise<DiscordMessage> =>
      eventually(`a message with ${parts.join(', ')}`, () =>
        ofBot().find((message) => !message.ephemeralFor && parts.every((part) => textOf(message).includes(part))),
      );

    test('is run once, and answered by a message in the channel', async () => {
      await late({ on: 'web-1', command: 'echo late $((40 + 5))' });
      await shownInChannel('late 45', 'succeeded');
      expect(ofBot().filter((message) => textOf(message).includes('late 45'))).toHaveLength(1);
    });

    test('is refused by a message in the channel', async () => {
      await late({ on: 'no-such-host', command: 'id' });
      await shownInChannel('MOLT_NO_TARGETS', 'no-such-host');
    });
  });

  test('commands are registered when they change, and not by a restart', async () => {
    const registrations = (): number =>
      [...discord.counters.requests].reduce(
        (sum, [route, times]) => (route.startsWith('PUT /applications') ? sum + times : sum),
        0,
      );
    expect(registrations()).toBe(1);
    await lab.restart();
    await answered(use('run', { on: 'web-1', command: 'echo again' }), 'again', 'succeeded');
    expect(registrations()).toBe(1);
    await lab.restart([...labAliases, { name: 'added', action: 'shell.run', on: 'web-1', args: { command: 'id' } }]);
    await eventually('the new one', () => discord.commands('ops').some(({ name }) => name === 'added'));
    await answered(use('added'), 'uid=', 'succeeded');
    expect(registrations()).toBe(2);
  }, 60_000);

  async function openThread(): Promise<string> {
    const { id } = discord.user('alice').say('ops', 'a topic');
    const response = await fetch(`${discord.api}/v10/channels/${discord.channelId('ops')}/messages/${id}/threads`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bot ${discord.token}`, 'content-type': 'application/json' },
        'user-agent': 'DiscordBot (https://x.example, 1)',
      },
      body: JSON.stringify({ name: 'topic' }),
    });
    return ((await response.json()) as { id: string }).id;
  }
});
