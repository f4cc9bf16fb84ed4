import {
  ButtonStyle,
  ComponentType,
  MessageFlags,
  ApplicationCommandOptionType as OptionType,
  TextInputStyle,
} from '@discordjs/core';
import { eventually, type TestDiscord } from '@moltbot/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { connected, lab, type TestBot } from './discord-lab.ts';

/** What a browser does, without one. */
function browser(discord: TestDiscord, user = 'alice') {
  const channel = discord.channelId('ops');
  const events: { name: string; data: Record<string, unknown> }[] = [];
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const follow = async (): Promise<void> => {
    const { body } = await fetch(`${discord.url}/page/events?user=${user}`, { signal: leaving.signal });
    let text = '';
    for await (const piece of body ?? []) {
      text += new TextDecoder().decode(piece);
      const whole = text.split('\n\n');
      text = whole.pop() ?? '';
      for (const [, name = '', data = ''] of whole.map((each) => /^event: (\w+)\ndata: (.*)$/.exec(each) ?? [])) {
        if (name) events.push({ name, data: JSON.parse(data) });
      }
    }
  };
  follow().catch(() => {});
  return {
    events,
    texts: () => events.flatMap(({ name, data }) => (name === 'message' ? [data['content']] : [])),
    async act(
      action: string,
      body: object,
      type = 'application/json',
    ): Promise<{ status: number; body: Record<string, unknown> }> {
      const answer = await fetch(`${discord.url}/page/${action}`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: JSON.stringify({ user, channel, locale: 'zh-CN', ...body }),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    },
    read: async (path: string) => (await fetch(`${discord.url}/page/${path}`)).json(),
  };
}

type Interaction = {
  id: string;
  token: string;
  type: number;
  locale: string;
  data: { name: string; options: unknown };
};

/** Answers each interaction in its turn. */
function answering(made: TestBot, ...answers: readonly ((interaction: Interaction) => Promise<unknown>)[]): void {
  let next = 0;
  made.gateway.on('dispatch', (payload) => {
    if (payload.t !== 'INTERACTION_CREATE') return;
    const answer = answers[next];
    next += 1;
    answer?.(payload.d as unknown as Interaction).catch((error: unknown) => {
      throw error;
    });
  });
}

const runCommand = {
  type: 1 as const,
  name: 'run',
  description: 'Runs',
  options: [{ type: OptionType.String as const, name: 'on', description: 'Where', required: true, autocomplete: true }],
};

it('serves its page and what that loads, and nothing else of its folder', async () => {
  const discord = await lab();
  const page = await fetch(discord.url);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const html = await page.text();
  const parts = [...html.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, path]) => path ?? '');
  expect(parts).toContain('/page/main.js');
  const loaded = new Set<string>();
  while (parts.length > 0) {
    const path = parts.pop() ?? '';
    if (loaded.has(path)) continue;
    loaded.add(path);
    const part = await fetch(`${discord.url}${path}`);
    expect([path, part.status]).toEqual([path, 200]);
    for (const [, name] of (await part.text()).matchAll(/from '\.\/([\w-]+\.js)'/g)) parts.push(`/page/${name}`);
  }
  expect(loaded.size).toBeGreaterThan(8);
  expect(html).not.toMatch(/https?:\/\//);
  for (const path of ['/page/page.ts', '/page/..%2Fgateway.ts', '/nothing']) {
    expect((await fetch(`${discord.url}${path}`)).status).toBe(404);
  }
});

it('shows a user what there is, and carries messages both ways as they change', async () => {
  const discord = await lab();
  const made = await connected(discord);
  const { act, read, texts, events } = browser(discord);
  expect(await read('state?user=alice')).toMatchObject({
    me: discord.user('alice').id,
    guilds: [{ name: 'ops', channels: [{ name: 'general' }, { name: 'ops' }] }],
  });
  await act('say', { text: 'hello', files: [{ name: 'a.txt', base64: Buffer.from('你好').toString('base64') }] });
  await eventually('the message', () => made.heard().includes('hello'));
  expect(discord.messages('ops')[0]?.files[0]?.text()).toBe('你好');

  const sent = await made.api.channels.createMessage(discord.channelId('ops'), { content: 'running' });
  await made.api.channels.editMessage(sent.channel_id, sent.id, { content: 'done' });
  await eventually('both', () => texts().includes('done'));
  expect(texts()).toEqual(['hello', 'running', 'done']);
  await made.api.channels.createThread(sent.channel_id, { name: 'job' }, sent.id);
  await made.api.channels.deleteMessage(sent.channel_id, sent.id);
  await eventually('it is gone', () => events.some(({ name, data }) => name === 'gone' && data['id'] === sent.id));
  expect(events.some(({ name }) => name === 'places')).toBe(true);
  expect(await read(`messages?user=alice&channel=${sent.channel_id}`)).toMatchObject([
    { content: 'hello', author: { name: 'Alice' } },
  ]);
});

it('completes and sends slash commands, in the language of the page', async () => {
  const discord = await lab();
  const made = await connected(discord);
  const { applicationCommands, interactions } = made.api;
  await applicationCommands.bulkOverwriteGlobalCommands(discord.applicationId, [runCommand]);
  const { act, read, texts } = browser(discord);
  const other = browser(discord, 'bob');
  const asked: Interaction[] = [];
  answering(
    made,
    ({ id, token }) =>
      interactions.createAutocompleteResponse(id, token, { choices: [{ name: 'web-1', value: 'web-1' }] }),
    (interaction) => {
      asked.push(interaction);
      return interactions.reply(interaction.id, interaction.token, {
        content: 'for you',
        flags: MessageFlags.Ephemeral,
      });
    },
  );
  expect(await read(`commands?channel=${discord.channelId('ops')}`)).toMatchObject([{ name: 'run' }]);
  const typing = { command: 'run', options: { on: 'we' }, focused: 'on' };
  expect((await act('complete', typing)).body).toEqual({ choices: [{ name: 'web-1', value: 'web-1' }] });
  expect(await act('slash', { command: 'run', options: { on: 'web-1' } })).toEqual({ status: 200, body: {} });
  expect(asked).toMatchObject([{ locale: 'zh-CN', data: { options: [{ name: 'on', value: 'web-1' }] } }]);
  await eventually('the answer', () => texts().includes('for you'));
  expect(await read(`messages?user=bob&channel=${discord.channelId('ops')}`)).toEqual([]);
  await act('say', { text: 'for all' });
  await eventually('what is for all', () => other.texts().includes('for all'));
  expect(other.texts()).toEqual(['for all']);
});

it('presses buttons, and fills in what pops up', async () => {
  const discord = await lab();
  const made = await connected(discord);
  const { interactions, channels } = made.api;
  const button = {
    type: ComponentType.Button as const,
    style: ButtonStyle.Primary as const,
    label: 'Why?',
    custom_id: 'why',
  };
  const sent = await channels.createMessage(discord.channelId('ops'), {
    content: 'x',
    components: [{ type: ComponentType.ActionRow, components: [button] }],
  });
  const input = { type: ComponentType.TextInput as const, custom_id: 'reason', style: TextInputStyle.Short };
  const filled: unknown[] = [];
  answering(
    made,
    ({ id, token }) =>
      interactions.createModal(id, token, {
        custom_id: 'm',
        title: 'Why',
        components: [{ type: ComponentType.Label, label: 'Reason', component: input }],
      }),
    ({ id, token, data }) => {
      filled.push(data);
      return interactions.updateMessage(id, token, { content: 'because', components: [] });
    },
  );
  const { act } = browser(discord);
  const { body } = await act('press', { message: sent.id, customId: 'why' });
  expect(body).toMatchObject({ modal: { title: 'Why' }, token: expect.any(String) });
  await act('submit', { token: body['token'], values: { reason: 'I said so' } });
  expect(filled).toMatchObject([{ components: [{ component: { value: 'I said so' } }] }]);
  expect(discord.message(sent.id)?.content).toBe('because');
});

it('says what is wrong, and takes nothing that another site could send', async () => {
  const discord = await lab({ timing: { acknowledge: 100 } });
  const made = await connected(discord);
  await made.api.applicationCommands.bulkOverwriteGlobalCommands(discord.applicationId, [runCommand]);
  const { act } = browser(discord);
  expect(await act('slash', { command: 'run', options: {} })).toEqual({
    status: 400,
    body: { error: 'option on is required' },
  });
  const silent = await act('slash', { command: 'run', options: { on: 'x' } });
  expect(silent).toEqual({ status: 400, body: { error: 'The application did not respond' } });
  expect((await act('say', { text: 'x' }, 'text/plain')).status).toBe(415);
  expect((await act('nothing', {})).status).toBe(404);
  expect(discord.messages('ops')).toEqual([]);
});

it('is shut for who does not open it with its key, and open for who did', async () => {
  const discord = await lab({ pageKey: 'k3y' });
  for (const path of ['/', '/page/state', '/page/main.js', '/?key=', '/?key=k3y2']) {
    expect([path, (await fetch(`${discord.url}${path}`, { redirect: 'manual' })).status]).toEqual([path, 403]);
  }
  const entrance = await fetch(`${discord.url}/?key=k3y&user=bob`, { redirect: 'manual' });
  expect([entrance.status, entrance.headers.get('location')]).toEqual([303, '/?user=bob']);
  const [cookie = '', ...attributes] = entrance.headers.get('set-cookie')?.split('; ') ?? [];
  expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Strict']);
  for (const path of ['/', '/page/state', '/page/main.js']) {
    expect((await fetch(`${discord.url}${path}`, { headers: { cookie: `other=1; ${cookie}` } })).status).toBe(200);
  }
  expect((await fetch(`${discord.url}/page/state`, { headers: { cookie: `${cookie}x` } })).status).toBe(403);
});
