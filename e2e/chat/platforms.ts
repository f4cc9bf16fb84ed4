import {
  type DiscordMessage,
  eventually,
  type LarkMessage,
  startDiscord,
  startLark,
  type TestDiscord,
  type TestLark,
} from '@moltbot/testkit';

/** A message of the bot as everybody sees it, on any platform. */
export interface Said {
  readonly id: string;
  /** All that can be read in it. */
  readonly text: string;
  /** Labels. */
  readonly buttons: readonly string[];
  readonly files: readonly { readonly name: string; text(): string }[];
  readonly replyTo: string | undefined;
  /** How it looked, from the first to the last. */
  readonly versions: readonly string[];
}

/** What a person sees at once after using a button, or an option: theirs alone. */
export type Whisper = string | undefined;

/** A chat platform with people, driven as they would. The channel is always the same. */
export interface TestPlatform {
  readonly name: 'discord' | 'lark';
  /** The part of config.yaml under `platforms`. */
  readonly config: Record<string, unknown>;
  /** Into the channel, to the bot. @returns id of the message */
  say(user: string, text: string, file?: { readonly name: string; readonly text: string }): string;
  /** To the bot alone. */
  dm(user: string, text: string): string;
  /** Of the bot in the channel, in order. */
  said(): readonly Said[];
  /** Of the bot in its talk with a user. */
  saidTo(user: string): readonly Said[];
  press(user: string, messageId: string, label: string): Promise<Whisper>;
  /** Everyone who was notified by a mention of the bot's. */
  pings(): number;
  /** How often the platform had to refuse because of too much. */
  refusals(): number;
  /** The bot has begun its first session: what is said from now on reaches it. Absent where there are none. */
  isHeard?(): boolean;
  /** Id of the channel, for notifications. */
  channel(): string;
  stop(): Promise<void>;
}

/** So that a suite of many commands in one channel does not wait. */
const patience = {
  'POST /channels/:channel/messages': { limit: 500, windowMs: 5_000 },
  'PATCH /channels/:channel/messages/:message': { limit: 500, windowMs: 5_000 },
};

export async function startTestDiscord({
  isPatient,
}: {
  readonly isPatient: boolean;
}): Promise<TestPlatform & { readonly discord: TestDiscord }> {
  const discord = await startDiscord({
    ...(isPatient && { rateLimits: patience }),
    users: { alice: {}, bob: {}, mallory: {}, wang: { locale: 'zh-CN' } },
    guilds: {
      ops: {
        roles: { operators: {} },
        members: { alice: ['operators'], bob: ['operators'], wang: ['operators'], mallory: [] },
      },
    },
  });
  const read = (message: DiscordMessage): Said => ({
    id: message.id,
    text: textOfDiscord(message),
    buttons: message.buttons.map(({ label }) => label),
    files: message.files.map((file) => ({ name: file.name, text: () => file.text() })),
    replyTo: message.replyTo,
    get versions() {
      return message.versions.map(({ content, embeds }) => textOfDiscord({ content, embeds }));
    },
  });
  const ofBot = (channel: string): readonly Said[] => {
    const threads = channel.startsWith('@') ? [] : discord.threads(channel);
    return [channel, ...threads]
      .flatMap((each) => discord.messages(each))
      .filter(({ author, ephemeralFor, deleted }) => author === 'moltbot' && !ephemeralFor && !deleted)
      .map(read);
  };
  return {
    ...{ name: 'discord', discord },
    config: {
      discord: {
        main: {
          ...{ token: discord.token, api: discord.api, messageContent: true, directMessages: 'default' },
          guilds: { [discord.guildId('ops')]: { roles: [discord.roleId('ops', 'operators')] } },
        },
      },
    },
    say: (user, text, file) =>
      discord.user(user).say('ops', text, { mentions: ['moltbot'], ...(file && { files: [fileOf(file)] }) }).id,
    dm: (user, text) => discord.user(user).dm(text).id,
    said: () => ofBot('ops'),
    saidTo: (user) => ofBot(`@${user}`),
    async press(user, messageId, label) {
      const button = discord.message(messageId)?.buttons.find((each) => each.label === label);
      if (!button) throw new Error(`there is no button "${label}"`);
      const { kind, message } = await discord.user(user).press(messageId, button.customId).answer();
      return kind === 'message' && message ? textOfDiscord(message) : undefined;
    },
    pings: () => discord.pings().filter(({ messageId }) => discord.message(messageId)?.author === 'moltbot').length,
    refusals: () => total(discord.counters.rateLimited),
    isHeard: () => discord.sessions().length > 0,
    channel: () => discord.channelId('ops'),
    stop: () => discord.stop(),
  };
}

const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);

const fileOf = ({ name, text }: { readonly name: string; readonly text: string }) => ({
  name,
  data: Buffer.from(text),
});

/** All that can be read in it. */
export function textOfDiscord({ content, embeds }: Pick<DiscordMessage, 'content' | 'embeds'>): string {
  const parts = embeds.flatMap(({ title, description, fields = [], footer }) => [
    ...[title, description],
    ...fields.flatMap(({ name, value }) => [name, value]),
    footer?.text,
  ]);
  return [content, ...parts].filter((part) => part).join('\n');
}

export async function startTestLark(): Promise<TestPlatform & { readonly lark: TestLark }> {
  const lark = await startLark({
    tenants: {
      acme: {
        apps: { moltbot: { id: 'cli_0123456789abcdef', secret: 'app-secret' } },
        users: { alice: {}, bob: {}, mallory: {}, wang: { locale: 'zh_cn' } },
        chats: { ops: {}, operators: { members: ['alice', 'bob', 'wang'] } },
      },
    },
  });
  const read = (message: LarkMessage): Said => ({
    id: message.id,
    text: message.text,
    buttons: message.buttons.map(({ label }) => label),
    files: message.file ? [{ name: message.file.name, text: () => message.file?.text() ?? '' }] : [],
    replyTo: message.replyTo,
    get versions() {
      return message.versions.map(({ text }) => text);
    },
  });
  const ofBot = (chat: string): readonly Said[] =>
    lark
      .messages(chat)
      .filter(({ byBot, deleted }) => byBot && !deleted)
      .map(read);
  return {
    ...{ name: 'lark', lark },
    config: {
      lark: {
        main: {
          ...{ appId: 'cli_0123456789abcdef', appSecret: 'app-secret', api: lark.domain },
          groups: [lark.chatId('operators')],
        },
      },
    },
    say: (user, text, file) =>
      lark.user(user).say('ops', text, { mentionBot: true, ...(file && { file: fileOf(file) }) }).id,
    dm: (user, text) => lark.user(user).dm(text).id,
    said: () => ofBot('ops'),
    saidTo: (user) => ofBot(`@${user}`),
    async press(user, messageId, label) {
      const { toast } = await lark.user(user).press(messageId, label);
      return toast?.text;
    },
    pings: () => lark.pings().filter(({ messageId }) => lark.message(messageId)?.byBot).length,
    refusals: () => total(lark.counters.rateLimited),
    channel: () => lark.chatId('ops'),
    stop: () => lark.stop(),
  };
}

/** Waits until the bot has said something that answers, and gives it. */
export const untilSaid = (
  what: string,
  platform: Pick<TestPlatform, 'said'>,
  is: (said: Said) => boolean,
  withinMs = 20_000,
): Promise<Said> => eventually(what, () => platform.said().find(is), { withinMs });
