import { z } from 'zod';
import { TenantId } from '../principal.ts';
import type { AliasConfig, ChatSpaceConfig, DiscordConfig, LarkConfig, PlatformsConfig } from './config.ts';
import { defaults } from './defaults.ts';
import { duration, host, must, oneOf, type Section, secret, text, whole } from './words.ts';

const listOf = (what: string, pattern: RegExp, error: string) =>
  z.array(text(pattern, error), must(`a list of ${what}`));
const snowflake = /^\d{17,20}$/;
const botName = text(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'a name of 1 to 32 of a-z, 0-9 and -');
const prefix = text(/^\S{1,8}$/, '1 to 8 characters without spaces')
  .describe('What a command begins with, where the bot is not mentioned.')
  .default(defaults.platforms.prefix);

const space: Section<ChatSpaceConfig> = z.strictObject({
  tenant: TenantId.describe('Its tenant.').default(defaults.tenant),
  channels: listOf('channel ids', snowflake, 'the id of a channel in quotes: 17 to 20 digits')
    .describe('Ids of the channels to listen in, in quotes; none: all that the bot can see.')
    .default([]),
  roles: listOf('role ids', snowflake, 'the id of a role in quotes: 17 to 20 digits')
    .describe('Ids of roles, in quotes, whose members may give commands without having linked themselves.')
    .default([]),
});

const discordBot: Section<DiscordConfig> = z.strictObject({
  token: secret.describe('Its token; write a reference.'),
  guilds: z
    .record(text(snowflake, 'the id of a guild in quotes: 17 to 20 digits'), space, must('a map of guilds'))
    .describe('The guilds (servers) that are answered, by id.')
    .default({}),
  messageContent: z
    .boolean(must('true or false'))
    .describe('The privileged intent is granted: messages with the prefix are read too.')
    .default(false),
  prefix,
  directMessages: TenantId.describe('Tenant of direct messages; absent: they are not answered.').optional(),
  api: z.url(must('a URL')).describe('Base URL of the REST API.').default(defaults.platforms.discord.api),
});

const larkBot: Section<LarkConfig> = z
  .strictObject({
    tenant: TenantId.describe('Its tenant.').default(defaults.tenant),
    appId: text(/^cli_[0-9a-fA-F]{16}$/, 'the id of the app: cli_ and 16 hex digits').describe('Id of the app.'),
    appSecret: secret.describe('Its secret; write a reference.'),
    mode: oneOf<LarkConfig['mode']>(['long-connection', 'webhook'])
      .describe('`long-connection`: we connect; `webhook`: the platform posts events.')
      .default(defaults.platforms.lark.mode),
    encryptKey: secret.describe('Encrypt Key of the event subscription; needed by webhooks.').optional(),
    verificationToken: secret.describe('Verification Token of the event subscription; needed by webhooks.').optional(),
    webhook: z
      .strictObject({
        host: host.describe('Address to listen on for events.').default(defaults.platforms.lark.webhook.host),
        port: whole(0, 65_535).describe('Its port; 0 picks a free one.').default(defaults.platforms.lark.webhook.port),
        path: text(/^\/\S*$/, 'a path that begins with /')
          .describe('Path of the events.')
          .default(defaults.platforms.lark.webhook.path),
      })
      .prefault({}),
    prefix,
    chats: listOf('chat ids', /^oc_\w+$/, 'the id of a chat: oc_…')
      .describe('Ids of the chats to listen in; none: all the bot is in.')
      .default([]),
    groups: listOf('chat ids', /^oc_\w+$/, 'the id of a chat: oc_…')
      .describe('Ids of chats whose members may give commands without having linked themselves.')
      .default([]),
    api: z.url(must('a URL')).describe('Base URL of the open platform.').default(defaults.platforms.lark.api),
  })
  .refine(
    ({ mode, encryptKey, verificationToken }) =>
      mode !== 'webhook' || (encryptKey !== undefined && verificationToken !== undefined),
    'mode webhook needs encryptKey and verificationToken',
  );

const botsOf = <T extends z.ZodType>(bot: T) => z.record(botName, bot, must('a map of bots')).prefault({});

const alias: Section<AliasConfig> = z.strictObject({
  tenant: TenantId.describe('Its tenant.').default(defaults.tenant),
  name: text(/^[a-z][a-z0-9-]{0,31}$/, 'a word of a-z, 0-9 and -').describe('The word.'),
  action: text(/^\S+$/, 'the name of an action').describe('The action it stands for.'),
  on: text(/\S/, 'a target selector').describe('Target selector; absent: the command has to say.').optional(),
  args: z
    .record(z.string(), z.unknown())
    .describe('Arguments of the action; `{1}`, `{2}` and `{*}` stand for the words of the command.')
    .default({}),
  usage: z.string().max(100).describe('What is written after the word: `SRC DST`.').default(''),
  summary: z.string().max(200).describe('What it does.').default(''),
});

export const platforms: Section<PlatformsConfig> = z
  .strictObject({
    staleAfter: duration({ min: '10s', max: '30d' })
      .describe('A command that arrives so long after it was sent is run after a question alone.')
      .prefault(defaults.platforms.staleAfter),
    discord: botsOf(discordBot).describe('Bots of Discord, by a name of yours; docs/platforms/discord.md.'),
    lark: botsOf(larkBot).describe('Bots of Lark and Feishu, by a name of yours; docs/platforms/lark.md.'),
    aliases: z.array(alias, must('a list of aliases')).describe('Words that stand for actions.').default([]),
    ops: z
      .strictObject({
        host: host
          .describe('Address of `/healthz`, `/readyz` and `/metrics` of an ingress by itself; no effect in standalone.')
          .default(defaults.platforms.ops.host),
        port: whole(0, 65_535)
          .describe('Its port; 0 picks a free one. No effect in standalone.')
          .default(defaults.platforms.ops.port),
      })
      .prefault({}),
  })
  .transform(({ staleAfter, ...rest }) => ({ ...rest, staleAfterMs: staleAfter }))
  .prefault({});
