import { eventually, startDiscord, startLark, type TestDiscord, type TestLark } from '@moltbot/testkit';
import { textOfDiscord } from './platforms.ts';

/** A message of the bot, with the ids of its buttons. */
export interface TenantSaid {
  readonly id: string;
  readonly text: string;
  readonly replyTo: string | undefined;
  /** By label. */
  readonly buttons: Readonly<Record<string, string>>;
}

/** One tenant's place on a platform, and the people in it. */
export interface Side {
  readonly tenant: 'blue' | 'green';
  say(user: string, text: string): string;
  said(): readonly TenantSaid[];
  /** Presses a button with this id: a client that was tampered with could send any. @returns what the user is told alone */
  press(user: string, buttonId: string): Promise<string | undefined>;
  /** Id of its channel. */
  readonly channel: string;
}

/** Two tenants on one platform. `both` is in both of them, `blue` and `green` in one each. */
export interface TwoTenants {
  readonly name: 'discord' | 'lark';
  readonly config: Record<string, unknown>;
  /** Which bot a tenant's notifications are sent by. */
  readonly bots: Readonly<Record<Side['tenant'], string>>;
  readonly blue: Side;
  readonly green: Side;
  readonly discord?: TestDiscord;
  stop(): Promise<void>;
}

/** One bot in two guilds. */
export async function startTwoGuilds(): Promise<TwoTenants> {
  const guild = (members: readonly string[]) => ({
    roles: { operators: {} },
    members: Object.fromEntries([...members, 'both'].map((member) => [member, ['operators']])),
  });
  const patience = { limit: 500, windowMs: 5_000 };
  const discord = await startDiscord({
    rateLimits: {
      'POST /channels/:channel/messages': patience,
      'PATCH /channels/:channel/messages/:message': patience,
    },
    users: { blue: {}, green: {}, both: {} },
    guilds: { blue: guild(['blue']), green: guild(['green']) },
  });
  const tenants = ['blue', 'green'] as const;
  const spaces = tenants.map((tenant) => {
    return [discord.guildId(tenant), { tenant, roles: [discord.roleId(tenant, 'operators')] }];
  });
  return {
    ...{ name: 'discord', discord, bots: { blue: 'main', green: 'main' } },
    ...{ blue: guildSide(discord, 'blue'), green: guildSide(discord, 'green') },
    config: {
      discord: {
        main: { token: discord.token, api: discord.api, messageContent: true, guilds: Object.fromEntries(spaces) },
      },
    },
    stop: () => discord.stop(),
  };
}

function guildSide(discord: TestDiscord, tenant: Side['tenant']): Side {
  const channel = discord.channelId(`${tenant}/ops`);
  return {
    ...{ tenant, channel },
    say: (user, text) => discord.user(user).say(channel, text, { mentions: ['moltbot'] }).id,
    said: () =>
      discord
        .messages(channel)
        .filter(({ author, ephemeralFor }) => author === 'moltbot' && !ephemeralFor)
        .map(({ id, content, embeds, replyTo, buttons }) => ({
          ...{ id, replyTo, text: textOfDiscord({ content, embeds }) },
          buttons: Object.fromEntries(buttons.map(({ label, customId }) => [label, customId])),
        })),
    async press(user, buttonId) {
      const button = { type: 2, style: 2, label: 'forged', custom_id: buttonId };
      const { id } = await posted<{ id: string }>(`${discord.api}/v10/channels/${channel}/messages`, {
        headers: { authorization: `Bot ${discord.token}`, 'user-agent': 'DiscordBot (https://x.example, 1)' },
        body: { content: 'forged', components: [{ type: 1, components: [button] }] },
      });
      const pressed = discord.user(user).press(id, buttonId);
      const { message } = await pressed.answer();
      return message && textOfDiscord(message);
    },
  };
}

/** Two tenants of the platform, each with an app. */
export async function startTwoApps(): Promise<TwoTenants> {
  const ids = { blue: 'cli_0000000000000b1e', green: 'cli_000000000000a5ee' };
  const tenant = (name: Side['tenant']) => ({
    apps: { [`${name}-bot`]: { id: ids[name], secret: `${name}-secret` } },
    users: { [name]: {}, both: {} },
    chats: { ops: {} },
  });
  const lark = await startLark({ tenants: { blue: tenant('blue'), green: tenant('green') } });
  const bot = (name: Side['tenant']) => ({
    ...{ tenant: name, appId: ids[name], appSecret: `${name}-secret`, api: lark.domain },
    groups: [lark.chatId(`${name}/ops`)],
  });
  return {
    ...{ name: 'lark', bots: { blue: 'of-blue', green: 'of-green' } },
    ...{ blue: appSide(lark, 'blue'), green: appSide(lark, 'green') },
    config: { lark: { 'of-blue': bot('blue'), 'of-green': bot('green') } },
    stop: () => lark.stop(),
  };
}

function appSide(lark: TestLark, tenant: Side['tenant']): Side {
  const channel = lark.chatId(`${tenant}/ops`);
  const app = lark.app(`${tenant}/${tenant}-bot`);
  const user = (name: string) => lark.user(`${tenant}/${name}`);
  const said = (): TenantSaid[] =>
    lark
      .messages(channel)
      .filter(({ byBot, text }) => byBot && !text.includes('forged'))
      .map(({ id, text, replyTo, buttons }) => ({
        ...{ id, text, replyTo },
        buttons: Object.fromEntries(
          buttons.map(({ label, value }) => [label, String(typeof value === 'object' ? value['button'] : '')]),
        ),
      }));
  return {
    ...{ tenant, channel, said },
    say: (name, text) => user(name).say(channel, text, { mentionBot: true }).id,
    async press(name, buttonId) {
      const { tenant_access_token: token } = await posted<{ tenant_access_token: string }>(
        `${lark.domain}/open-apis/auth/v3/tenant_access_token/internal`,
        { headers: {}, body: { app_id: app.id, app_secret: app.secret } },
      );
      const button = {
        ...{ tag: 'button', text: { tag: 'plain_text', content: 'forged' } },
        behaviors: [{ type: 'callback', value: { button: buttonId } }],
      };
      const card = { schema: '2.0', config: { update_multi: true }, body: { elements: [button] } };
      const content = JSON.stringify(card);
      // The chat takes five messages a second, ours and those of the bot.
      const { data } = await eventually('the forged card', () =>
        posted<{ data: { message_id: string } }>(`${lark.domain}/open-apis/im/v1/messages?receive_id_type=chat_id`, {
          headers: { authorization: `Bearer ${token}` },
          body: { receive_id: channel, msg_type: 'interactive', content },
        }),
      );
      return (await user(name).press(data.message_id, 'forged')).toast?.text;
    },
  };
}

async function posted<T>(
  url: string,
  { headers, body }: { readonly headers: Record<string, string>; readonly body: object },
): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
