import {
  ApplicationCommandType,
  ApplicationCommandOptionType as OptionType,
  type RESTPutAPIApplicationGuildCommandsJSONBody,
} from '@discordjs/core';
import { expect, it } from 'vitest';
import { bot, lab, refusalOf } from './discord-lab.ts';

type Command = RESTPutAPIApplicationGuildCommandsJSONBody[number];
const command = (name: string, more: object = {}): Command =>
  ({ name, description: `Does ${name}`, ...more }) as Command;
const option = (name: string, more: object = {}) => ({ type: OptionType.String, name, description: 'x', ...more });
const many = (count: number) => Array.from({ length: count }, (_, index) => command(`c${index}`));

async function registry(options?: Parameters<typeof lab>[0]) {
  const discord = await lab(options);
  const { applicationCommands } = bot(discord).api;
  const id = discord.applicationId;
  const guild = discord.guildId('ops');
  return {
    discord,
    put: (body: RESTPutAPIApplicationGuildCommandsJSONBody) =>
      applicationCommands.bulkOverwriteGuildCommands(id, guild, body),
    putGlobal: (body: RESTPutAPIApplicationGuildCommandsJSONBody) =>
      applicationCommands.bulkOverwriteGlobalCommands(id, body),
    get: (query = {}) => applicationCommands.getGuildCommands(id, guild, query),
    api: applicationCommands,
    id,
    guild,
  };
}

it('replaces the whole set of a guild: what stays keeps its id, what changes gets a new version', async () => {
  const { put, get, discord } = await registry();
  const [run, stop] = await put([command('run'), command('stop')]);
  const [runAgain, restart] = await put([command('run', { description: 'Runs' }), command('restart')]);
  expect(runAgain?.id).toBe(run?.id);
  expect(runAgain?.version).not.toBe(run?.version);
  expect(restart?.id).not.toBe(stop?.id);
  expect(
    (await put([command('run', { description: 'Runs' }), command('restart')])).map(({ version }) => version),
  ).toEqual([runAgain?.version, restart?.version]);
  expect((await get()).map(({ name }) => name)).toEqual(['run', 'restart']);
  expect(discord.commands('ops').map(({ name }) => name)).toEqual(['run', 'restart']);
  expect(discord.commands()).toEqual([]);
});

it('makes, changes, reads and deletes single ones', async () => {
  const { api, id } = await registry();
  const made = await api.createGlobalCommand(id, command('run'));
  const again = await api.createGlobalCommand(id, command('run', { description: 'Again' }));
  expect([again.id, again.description]).toEqual([made.id, 'Again']);
  expect((await api.editGlobalCommand(id, made.id, { description: 'Edited' })).description).toBe('Edited');
  expect((await api.getGlobalCommand(id, made.id)).description).toBe('Edited');
  await api.deleteGlobalCommand(id, made.id);
  expect(await refusalOf(api.getGlobalCommand(id, made.id))).toMatchObject({ status: 404, code: 10063 });
});

it('leaves translations out of a list unless they are asked for', async () => {
  const { put, get } = await registry();
  await put([command('run', { name_localizations: { 'zh-CN': '运行' } })]);
  expect((await get())[0]).not.toHaveProperty('name_localizations');
  expect((await get({ with_localizations: true }))[0]).toMatchObject({ name_localizations: { 'zh-CN': '运行' } });
});

it.each<[string, Command, string]>([
  ['a capital', command('Run'), 'APPLICATION_COMMAND_INVALID_NAME'],
  ['a space', command('run it'), 'APPLICATION_COMMAND_INVALID_NAME'],
  ['a name above 32', command('x'.repeat(33)), 'BASE_TYPE_BAD_LENGTH'],
  ['a description above 100', command('run', { description: 'x'.repeat(101) }), 'BASE_TYPE_BAD_LENGTH'],
  [
    'a translated name with a capital',
    command('run', { name_localizations: { fr: 'Lancer' } }),
    'APPLICATION_COMMAND_INVALID_NAME',
  ],
  ['an unknown language', command('run', { name_localizations: { 'zh-HANS': '运行' } }), 'BASE_TYPE_CHOICES'],
  [
    '26 options',
    command('run', { options: Array.from({ length: 26 }, (_, n) => option(`o${n}`)) }),
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    '26 choices',
    command('run', {
      options: [
        option('o', { choices: Array.from({ length: 26 }, (_, n) => ({ name: `${n}`, value: `${n}` })) }),
      ] as never,
    }),
    'BASE_TYPE_MAX_LENGTH',
  ],
  [
    'required after optional',
    command('run', { options: [option('a'), option('b', { required: true })] }),
    'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
  ],
  [
    'an option twice',
    command('run', { options: [option('a'), option('a')] }),
    'APPLICATION_COMMAND_OPTIONS_NAME_INVALID',
  ],
  [
    'more than 8000 characters',
    command('run', {
      options: Array.from({ length: 25 }, (_, n) =>
        option(`o${n}`, {
          choices: [...Array(4).keys()].map((c) => ({ name: 'n'.repeat(40), value: `${c}${'v'.repeat(45)}` })),
        }),
      ) as never,
    }),
    'APPLICATION_COMMAND_TOO_LARGE',
  ],
])('refuses %s', async (_, wrong, code) => {
  const { put, discord } = await registry();
  const refused = await refusalOf(put([command('fine'), wrong]));
  expect(refused).toMatchObject({ status: 400, code: 50035, errors: { 1: expect.anything() } });
  expect(JSON.stringify(refused.errors)).toContain(code);
  expect(discord.commands('ops')).toEqual([]);
});

it('takes what just fits', async () => {
  const { put } = await registry();
  const name = "运行-it_'1";
  const taken = await put([
    ...many(98),
    command(name),
    command('x'.repeat(32)),
    command('Show job', { type: ApplicationCommandType.Message, description: '' }),
  ]);
  expect(taken).toHaveLength(101);
});

it('takes 100 commands of a kind, each name once', async () => {
  const { put } = await registry();
  expect(await refusalOf(put(many(101)))).toMatchObject({ code: 30032 });
  expect(JSON.stringify((await refusalOf(put([command('a'), command('a')]))).errors)).toContain(
    'APPLICATION_COMMANDS_DUPLICATE_NAME',
  );
});

it('counts what is created in a day in each guild', async () => {
  const { put, putGlobal } = await registry({ limits: { commandCreatesPerDay: 3 } });
  await put([command('a'), command('b')]);
  await put([command('a'), command('b')]);
  expect(await refusalOf(put([command('c'), command('d')]))).toMatchObject({ status: 400, code: 30034 });
  await put([command('c')]);
  await putGlobal([command('a'), command('b')]);
});

it('knows no commands of another application', async () => {
  const { api, guild } = await registry();
  expect(await refusalOf(api.getGuildCommands('123456789012345678', guild))).toMatchObject({ code: 50001 });
});
