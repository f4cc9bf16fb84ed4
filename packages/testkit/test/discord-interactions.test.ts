import {
  type APIInteraction,
  type APIModalInteractionResponseCallbackData,
  ApplicationCommandType,
  ButtonStyle,
  ComponentType,
  MessageFlags,
  ApplicationCommandOptionType as OptionType,
  type RESTPutAPIApplicationCommandsJSONBody,
  TextInputStyle,
} from '@discordjs/core';
import { eventually, type TestDiscord } from '@moltbot/testkit';
import { expect, it } from 'vitest';
import { connected, lab, refusalOf, type TestBot } from './discord-lab.ts';

const commands: RESTPutAPIApplicationCommandsJSONBody = [
  {
    type: ApplicationCommandType.ChatInput,
    name: 'run',
    description: 'Runs a command',
    options: [
      { type: OptionType.String, name: 'on', description: 'Where', required: true, autocomplete: true },
      { type: OptionType.String, name: 'command', description: 'What', required: true, max_length: 20 },
      { type: OptionType.Integer, name: 'parallel', description: 'How many at once', min_value: 1, max_value: 10 },
      { type: OptionType.Attachment, name: 'script', description: 'A file to run' },
      { type: OptionType.User, name: 'notify', description: 'Whom to tell' },
      { type: OptionType.String, name: 'shell', description: 'In', choices: [{ name: 'sh', value: 'sh' }] },
    ],
  },
  {
    type: ApplicationCommandType.ChatInput,
    name: 'job',
    description: 'Jobs',
    options: [{ type: OptionType.Subcommand, name: 'cancel', description: 'Cancels', options: [] }],
  },
  { type: ApplicationCommandType.ChatInput, name: 'admin', description: 'For admins', default_member_permissions: '0' },
];
const typed = { on: 'web-*', command: 'uptime' };
const row = (...buttons: { customId: string; disabled?: boolean }[]) => ({
  type: ComponentType.ActionRow as const,
  components: buttons.map(({ customId, disabled = false }) => ({
    type: ComponentType.Button as const,
    style: ButtonStyle.Primary as const,
    label: customId,
    custom_id: customId,
    disabled,
  })),
});
const modal: APIModalInteractionResponseCallbackData = {
  custom_id: 'script',
  title: 'Script',
  components: [
    {
      type: ComponentType.Label,
      label: 'Lines',
      component: {
        type: ComponentType.TextInput,
        custom_id: 'lines',
        style: TextInputStyle.Paragraph,
        max_length: 100,
      },
    },
  ],
};

async function ready(options?: Parameters<typeof lab>[0]): Promise<{ discord: TestDiscord; made: TestBot }> {
  const discord = await lab(options);
  const made = await connected(discord);
  await made.api.applicationCommands.bulkOverwriteGlobalCommands(discord.applicationId, commands);
  return { discord, made };
}

const arrived = async (made: TestBot, count = 1): Promise<APIInteraction> => {
  await eventually('the interaction', () => made.of('INTERACTION_CREATE').length >= count);
  return made.of('INTERACTION_CREATE')[count - 1] as unknown as APIInteraction;
};

it('sends what a user typed into a command, with who and where, and shows the answer', async () => {
  const { discord, made } = await ready();
  const asked = discord
    .user('bob')
    .slash('ops', 'run', { ...typed, parallel: 3, notify: 'alice', script: { name: 'a.sh', data: 'id' } });
  const interaction = await arrived(made);
  expect(interaction).toMatchObject({
    type: 2,
    application_id: discord.applicationId,
    guild_id: discord.guildId('ops'),
    channel: { id: discord.channelId('ops') },
    member: { user: { username: 'bob' }, permissions: expect.any(String) },
    locale: 'zh-CN',
    guild_locale: 'en-US',
    context: 0,
    data: {
      name: 'run',
      options: [
        { name: 'on', type: 3, value: 'web-*' },
        { name: 'command', value: 'uptime' },
        { name: 'parallel', type: 4, value: 3 },
        { name: 'script', type: 11 },
        { name: 'notify', type: 6, value: discord.user('alice').id },
      ],
      resolved: { users: { [discord.user('alice').id]: { username: 'alice' } } },
    },
  });
  const { attachments } = (
    interaction as unknown as { data: { resolved: { attachments: Record<string, { url: string }> } } }
  ).data.resolved;
  expect(await (await fetch(Object.values(attachments)[0]?.url ?? '')).text()).toBe('id');

  await made.api.interactions.reply(interaction.id, interaction.token, { content: 'running' });
  const { kind, message } = await asked.answer();
  expect([kind, message?.content, message?.ephemeralFor]).toEqual(['message', 'running', undefined]);
  expect(message?.api.interaction_metadata).toMatchObject({ id: interaction.id, user: { username: 'bob' } });
  await eventually('its own message', () => made.heard().includes('running'));
});

it('offers what a client offers, and refuses the rest before it is sent', async () => {
  const { discord } = await ready();
  const bob = discord.user('bob');
  expect(() => bob.slash('ops', 'nope')).toThrow('no command /nope here; there are /run, /job, /admin');
  expect(() => bob.slash('ops', 'run', { on: 'x' })).toThrow('option command is required');
  expect(() => bob.slash('ops', 'run', { ...typed, command: 'x'.repeat(21) })).toThrow(
    'option command takes 0 to 20 characters',
  );
  expect(() => bob.slash('ops', 'run', { ...typed, parallel: 11 })).toThrow('option parallel is out of range');
  expect(() => bob.slash('ops', 'run', { ...typed, shell: 'fish' })).toThrow('option shell takes one of sh');
  expect(() => bob.slash('ops', 'run', { ...typed, tty: true })).toThrow('there is no option tty');
  expect(() => bob.slash('ops', 'job')).toThrow('/job needs one of its subcommands: cancel');
  expect(() => bob.slash('ops', 'admin')).toThrow('bob may not use /admin');
  expect(discord.user('alice').slash('ops', 'admin').id).toBeDefined();
});

it('names subcommands, and sends commands of direct messages with the user', async () => {
  const { discord, made } = await ready();
  discord.user('alice').slash('@alice', 'job cancel');
  const interaction = await arrived(made);
  expect(interaction).toMatchObject({
    user: { username: 'alice' },
    context: 1,
    data: { name: 'job', options: [{ name: 'cancel', type: 1 }] },
  });
  expect(interaction).not.toHaveProperty('member');
});

it('wants an acknowledgement in time: later it does not know the interaction, and the user is told', async () => {
  const { discord, made } = await ready({ timing: { acknowledge: 200 } });
  const asked = discord.user('alice').slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  await expect(asked.answer()).rejects.toThrow('The application did not respond');
  expect(await refusalOf(made.api.interactions.reply(id, token, { content: 'late' }))).toMatchObject({
    status: 404,
    code: 10062,
  });
  expect(await refusalOf(made.api.interactions.followUp(discord.applicationId, token, { content: 'x' }))).toMatchObject(
    { code: 10015 },
  );
  expect(discord.messages('ops')).toEqual([]);
});

it('takes one acknowledgement alone, also when the first was answered with 502', async () => {
  const { discord, made } = await ready();
  discord.user('alice').slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  discord.faults.fail('POST /interactions/:interaction/:token/callback', { after: true });
  expect(await refusalOf(made.api.interactions.reply(id, token, { content: 'there' }))).toMatchObject({
    status: 400,
    code: 40060,
  });
  expect(discord.messages('ops').map(({ content }) => content)).toEqual(['there']);
});

it('shows that the bot is thinking, until the answer is edited in', async () => {
  const { discord, made } = await ready();
  const asked = discord.user('alice').slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  await made.api.interactions.defer(id, token);
  expect(await asked.answer()).toMatchObject({ kind: 'deferred', message: { loading: true, content: '' } });
  const edited = await made.api.interactions.editReply(discord.applicationId, token, {
    content: 'done',
    files: [{ name: 'o.log', data: 'out' }],
  });
  expect(discord.message(edited.id)).toMatchObject({ loading: false, content: 'done', files: [{ name: 'o.log' }] });
  expect(await made.api.interactions.getOriginalReply(discord.applicationId, token)).toMatchObject({ id: edited.id });
  await made.api.interactions.deleteReply(discord.applicationId, token);
  expect(discord.seen('alice', 'ops')).toEqual([]);
});

it('takes follow-ups, the first of which fills a deferred answer, for as long as the token lives', async () => {
  const { discord, made } = await ready({ timing: { interactionToken: 3_000 } });
  discord.user('alice').slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  const follow = (content: string) => made.api.interactions.followUp(discord.applicationId, token, { content });
  await made.api.interactions.defer(id, token);
  await follow('one');
  const second = await follow('two');
  await made.api.interactions.editReply(discord.applicationId, token, { content: 'two, edited' }, second.id);
  expect(discord.messages('ops').map(({ content }) => content)).toEqual(['one', 'two, edited']);
  const refused = await eventually('its end', async () => {
    const answer = await refusalOf(follow('three'));
    return answer.status !== 200 && answer;
  });
  expect(refused).toMatchObject({ status: 401, code: 50027 });
});

it('shows ephemeral answers to their user alone, and tells the gateway nothing of them', async () => {
  const { discord, made } = await ready();
  discord.user('alice').slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  await made.api.interactions.reply(id, token, { content: 'only you', flags: MessageFlags.Ephemeral });
  discord.user('bob').say('ops', 'hello');
  await eventually('what came after', () => made.heard().includes('hello'));
  expect(made.heard()).toEqual(['hello']);
  expect(discord.seen('alice', 'ops').map(({ content }) => content)).toEqual(['only you', 'hello']);
  expect(discord.seen('bob', 'ops').map(({ content }) => content)).toEqual(['hello']);
  const listed = await made.api.channels.getMessages(discord.channelId('ops'));
  expect(listed.map(({ content }) => content)).toEqual(['hello']);
});

it('suggests while a user types, at most 25 at a time', async () => {
  const { discord, made } = await ready();
  const suggested = discord.user('alice').autocomplete('ops', 'run', { option: 'on', partial: 'we' });
  const { id, token, data } = (await arrived(made)) as unknown as { id: string; token: string; data: unknown };
  expect(data).toMatchObject({ options: [{ name: 'on', value: 'we', focused: true }] });
  const choices = Array.from({ length: 26 }, (_, index) => ({ name: `web-${index}`, value: `web-${index}` }));
  expect(await refusalOf(made.api.interactions.createAutocompleteResponse(id, token, { choices }))).toMatchObject({
    code: 50035,
  });
  await made.api.interactions.createAutocompleteResponse(id, token, { choices: choices.slice(0, 25) });
  expect(await suggested).toHaveLength(25);
  await expect(discord.user('alice').autocomplete('ops', 'run', { option: 'command', partial: 'u' })).rejects.toThrow(
    'does not complete',
  );
});

it('lets a user press the buttons of a message, which the bot then changes', async () => {
  const { discord, made } = await ready();
  const sent = await made.api.channels.createMessage(discord.channelId('ops'), {
    content: 'Sure?',
    components: [row({ customId: 'yes' }, { customId: 'no', disabled: true })],
  });
  const bob = discord.user('bob');
  expect(() => bob.press(sent.id, 'no')).toThrow('component no is disabled');
  expect(() => bob.press(sent.id, 'maybe')).toThrow('has no component maybe');
  const pressed = bob.press(sent.id, 'yes');
  const { id, token, ...rest } = await arrived(made);
  expect(rest).toMatchObject({
    type: 3,
    data: { custom_id: 'yes', component_type: 2 },
    message: { id: sent.id, content: 'Sure?' },
  });
  await made.api.interactions.updateMessage(id, token, { content: 'bob said yes', components: [] });
  expect(await pressed.answer()).toMatchObject({
    kind: 'updated',
    message: { id: sent.id, content: 'bob said yes', buttons: [] },
  });
});

it('defers an update of a message, and edits it later as the original', async () => {
  const { discord, made } = await ready();
  const sent = await made.api.channels.createMessage(discord.channelId('ops'), {
    content: 'a',
    components: [row({ customId: 'x' })],
  });
  discord.user('bob').press(sent.id, 'x');
  const { id, token } = await arrived(made);
  await made.api.interactions.deferMessageUpdate(id, token);
  await made.api.interactions.editReply(discord.applicationId, token, { content: 'b' });
  expect(discord.message(sent.id)?.content).toBe('b');
});

it('pops a modal up, and sends what was filled in', async () => {
  const { discord, made } = await ready();
  const alice = discord.user('alice');
  const asked = alice.slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  await made.api.interactions.createModal(id, token, modal);
  const { modal: shown } = await asked.answer();
  if (!shown) throw new Error('no modal');
  expect(() => alice.submitModal(shown, { lines: '' })).toThrow('field lines is required');
  const submitted = alice.submitModal(shown, { lines: 'uptime\nid' });
  const second = await arrived(made, 2);
  expect(second).toMatchObject({
    type: 5,
    data: { custom_id: 'script', components: [{ component: { custom_id: 'lines', value: 'uptime\nid' } }] },
  });
  expect(await refusalOf(made.api.interactions.createModal(second.id, second.token, modal))).toMatchObject({
    code: 50035,
  });
  await made.api.interactions.reply(second.id, second.token, { content: 'got it' });
  expect((await submitted.answer()).message?.content).toBe('got it');
});

it('refuses answers that do not fit what was asked', async () => {
  const { discord, made } = await ready();
  discord.user('alice').slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  expect(await refusalOf(made.api.interactions.updateMessage(id, token, { content: 'x' }))).toMatchObject({
    code: 50035,
    errors: { type: { _errors: [{ code: 'BASE_TYPE_CHOICES' }] } },
  });
  expect(await refusalOf(made.api.interactions.reply(id, token, { content: 'x'.repeat(2001) }))).toMatchObject({
    errors: { data: { content: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH' }] } } },
  });
  await made.api.interactions.reply(id, token, { content: 'still in time' });
  expect(discord.messages('ops')).toHaveLength(1);
});

it('gives an answer with the message when it is asked for it', async () => {
  const { discord, made } = await ready();
  discord.user('alice').slash('ops', 'run', typed);
  const { id, token } = await arrived(made);
  const response = await made.api.interactions.reply(id, token, { content: 'x', with_response: true });
  expect(response).toMatchObject({
    interaction: { id, response_message_loading: false, response_message_ephemeral: false },
    resource: { type: 4, message: { content: 'x' } },
  });
});

it('sends an interaction to every session, and one of them answers', async () => {
  const discord = await lab({ timing: { identify: 0 } });
  const [first, second] = [await connected(discord), await connected(discord)];
  await first.api.applicationCommands.bulkOverwriteGlobalCommands(discord.applicationId, commands);
  discord.user('alice').slash('ops', 'run', typed);
  const [{ id, token }] = [await arrived(first), await arrived(second)];
  const outcomes = await Promise.all(
    [first, second].map(({ api }) => refusalOf(api.interactions.reply(id, token, { content: 'x' }))),
  );
  expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 40060]);
});
