import { AllowedMentionsTypes as Kind } from '@discordjs/core';
import { expect, it } from 'vitest';
import { bot, lab } from './discord-lab.ts';

const guilds = {
  ops: {
    channels: { ops: {} },
    roles: { oncall: { mentionable: true }, staff: {} },
    members: { alice: [], bob: ['oncall'] },
  },
};

async function pingsOf(
  body: (ids: { alice: string; bob: string; oncall: string; staff: string }) => object,
  options: object = {},
) {
  const discord = await lab({ guilds: { ops: { ...guilds.ops, ...options } } });
  const { api } = bot(discord);
  const roles = await api.guilds.getRoles(discord.guildId('ops'));
  const role = (name: string) => roles.find((each) => each.name === name)?.id ?? '';
  const ids = {
    alice: discord.user('alice').id,
    bob: discord.user('bob').id,
    oncall: role('oncall'),
    staff: role('staff'),
  };
  const said = discord.user('alice').say('ops', 'x');
  await api.channels.createMessage(discord.channelId('ops'), {
    message_reference: { message_id: said.id },
    ...body(ids),
  });
  return discord.pings().map(({ kind, name }) => (name === '' ? kind : `${kind} ${name}`));
}

it.each<[string, Parameters<typeof pingsOf>[0], readonly string[]]>([
  [
    'everything without allowed_mentions',
    ({ bob, oncall }) => ({ content: `@everyone @here <@${bob}> <@&${oncall}>` }),
    ['everyone', 'here', 'user bob', 'role oncall', 'reply alice'],
  ],
  [
    'nothing with an empty parse',
    ({ bob, oncall }) => ({ content: `@everyone <@${bob}> <@&${oncall}>`, allowed_mentions: { parse: [] } }),
    [],
  ],
  [
    'users alone',
    ({ bob, oncall }) => ({ content: `@here <@${bob}> <@&${oncall}>`, allowed_mentions: { parse: [Kind.User] } }),
    ['user bob'],
  ],
  [
    'those that are listed and written',
    ({ alice, bob }) => ({ content: `<@${bob}>`, allowed_mentions: { users: [alice, bob] } }),
    ['user bob'],
  ],
  [
    'the author of what is replied to, if asked',
    () => ({ content: 'x', allowed_mentions: { parse: [], replied_user: true } }),
    ['reply alice'],
  ],
  [
    'nobody from within code',
    ({ bob }) => ({
      content: `\`@everyone\` \`\`\`\n<@${bob}>\n\`\`\``,
      allowed_mentions: { parse: [Kind.User, Kind.Everyone] },
    }),
    [],
  ],
  [
    'nobody from an embed',
    ({ bob }) => ({
      embeds: [{ description: `@everyone <@${bob}>` }],
      allowed_mentions: { parse: [Kind.User, Kind.Everyone] },
    }),
    [],
  ],
  ['nobody when notifications are suppressed', ({ bob }) => ({ content: `<@${bob}>`, flags: 1 << 12 }), []],
])('pings %s', async (_, body, pings) => {
  expect(await pingsOf(body)).toEqual(pings);
});

it('pings neither everyone nor roles that are not mentionable without the permission for it', async () => {
  const withoutIt = { botPermissions: ['ViewChannel', 'SendMessages', 'ReadMessageHistory'] };
  const body = ({ oncall, staff }: { oncall: string; staff: string }) => ({
    content: `@everyone <@&${oncall}> <@&${staff}>`,
    allowed_mentions: { parse: [Kind.Everyone, Kind.Role] },
  });
  expect(await pingsOf(body, withoutIt)).toEqual(['role oncall']);
  expect(await pingsOf(body)).toEqual(['everyone', 'role oncall', 'role staff']);
});
