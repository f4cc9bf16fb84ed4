import { type APIActionRowComponent, type APIButtonComponent, ButtonStyle, ComponentType } from '@discordjs/core';
import { expect, it } from 'vitest';
import { bot, lab, refusalOf } from './discord-lab.ts';

const long = (length: number) => 'x'.repeat(length);
const button = (more: object = {}): APIButtonComponent => ({
  type: ComponentType.Button,
  style: ButtonStyle.Primary,
  label: 'Run',
  custom_id: 'run',
  ...more,
});
const row = (...components: APIButtonComponent[]): { components: APIActionRowComponent<APIButtonComponent>[] } => ({
  components: [{ type: ComponentType.ActionRow, components }],
});
const embeds = (...list: readonly object[]) => ({ embeds: list });
const field = { name: 'n', value: 'v' };
const tooLong = (max: number) => ({
  _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: `Must be ${max} or fewer in length.` }],
});
const badLength = { _errors: [{ code: 'BASE_TYPE_BAD_LENGTH' }] };

it.each<[string, object, object]>([
  ['more than 2000 characters', { content: long(2001) }, { content: tooLong(2000) }],
  ['a description above 4096', embeds({ description: long(4097) }), { embeds: { 0: { description: tooLong(4096) } } }],
  ['a title above 256', embeds({}, { title: long(257) }), { embeds: { 1: { title: tooLong(256) } } }],
  ['26 fields', embeds({ fields: Array(26).fill(field) }), { embeds: { 0: { fields: tooLong(25) } } }],
  [
    'a field value above 1024',
    embeds({ fields: [{ ...field, value: long(1025) }] }),
    { embeds: { 0: { fields: { 0: { value: badLength } } } } },
  ],
  [
    'a field without a name',
    embeds({ fields: [{ value: 'v' }] }),
    { embeds: { 0: { fields: { 0: { name: { _errors: [{ code: 'BASE_TYPE_REQUIRED' }] } } } } } },
  ],
  [
    'more than 6000 in all embeds',
    embeds({ description: long(3001) }, { description: long(3000) }),
    { embeds: { _errors: [{ code: 'MAX_EMBED_SIZE_EXCEEDED' }] } },
  ],
  ['11 embeds', embeds(...Array(11).fill({ title: 't' })), { embeds: tooLong(10) }],
  [
    'a label above 80',
    row(button({ label: long(81) })),
    { components: { 0: { components: { 0: { label: tooLong(80) } } } } },
  ],
  [
    'a custom id above 100',
    row(button({ custom_id: long(101) })),
    { components: { 0: { components: { 0: { custom_id: badLength } } } } },
  ],
  [
    'a custom id twice',
    row(button(), button()),
    {
      components: {
        0: { components: { 1: { custom_id: { _errors: [{ code: 'COMPONENT_CUSTOM_ID_DUPLICATED' }] } } } },
      },
    },
  ],
  [
    '6 buttons in a row',
    row(...Array.from({ length: 6 }, (_, n) => button({ custom_id: String(n) }))),
    { components: { 0: { components: tooLong(5) } } },
  ],
  ['6 rows', { components: Array(6).fill(row(button()).components[0]) }, { components: tooLong(5) }],
  ['a nonce above 25', { content: 'x', nonce: long(26) }, { nonce: tooLong(25) }],
  [
    'parse and ids of one kind',
    { content: 'x', allowed_mentions: { parse: ['users'], users: ['1'] } },
    { allowed_mentions: { _errors: [{ code: 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE' }] } },
  ],
])('refuses %s, and says where it is', async (_, body, errors) => {
  const discord = await lab();
  const refused = await refusalOf(bot(discord).api.channels.createMessage(discord.channelId('ops'), body));
  expect(refused).toMatchObject({ status: 400, code: 50035, errors });
  expect(discord.messages('ops')).toEqual([]);
});

it('takes what just fits, counted in characters, not in bytes', async () => {
  const discord = await lab();
  const { api } = bot(discord);
  const channel = discord.channelId('ops');
  await api.channels.createMessage(channel, { content: '😀'.repeat(2000) });
  await api.channels.createMessage(channel, {
    embeds: [{ description: long(4096), title: long(256), footer: { text: long(1648) } }],
  });
  await api.channels.createMessage(channel, row(button({ label: long(80), custom_id: long(100) })));
  expect(discord.messages('ops')).toHaveLength(3);
});

it('trims what it stores, and refuses what then says nothing', async () => {
  const discord = await lab();
  const { api } = bot(discord);
  const sent = await api.channels.createMessage(discord.channelId('ops'), { content: '  x  ' });
  expect(sent.content).toBe('x');
  for (const body of [{ content: ' \n ' }, {}]) {
    expect(await refusalOf(api.channels.createMessage(discord.channelId('ops'), body))).toMatchObject({ code: 50006 });
  }
});

it('numbers components, and keeps them as buttons', async () => {
  const discord = await lab();
  const sent = await bot(discord).api.channels.createMessage(discord.channelId('ops'), {
    content: 'x',
    ...row(button(), button({ custom_id: 'stop', label: 'Stop', style: ButtonStyle.Danger, disabled: true })),
  });
  expect(sent.components).toMatchObject([{ id: 1, components: [{ id: 2 }, { id: 3 }] }]);
  expect(discord.message(sent.id)?.buttons).toEqual([
    { label: 'Run', customId: 'run', style: 1, disabled: false, url: undefined },
    { label: 'Stop', customId: 'stop', style: 4, disabled: true, url: undefined },
  ]);
});
