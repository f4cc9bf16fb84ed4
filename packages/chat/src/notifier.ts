import { type AnyNotifier, defineNotifier } from '@moltbot/plugin-sdk';
import { type ChatPlatformName, type Clock, chatPlatforms, type Logger } from '@moltbot/shared';
import type { Store } from '@moltbot/store';
import { z } from 'zod';
import { createNotices } from './notices/notices.ts';
import { createPosts } from './posts/posts.ts';

export interface ChatNotifierDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

const optionsOf = (platform: ChatPlatformName) =>
  z.strictObject({
    bot: z.string().min(1).default('main').describe(`Name of the bot under platforms.${platform}.`),
    channel: z.string().min(1).describe('Id of the channel or chat.'),
    thread: z.string().min(1).optional().describe('Id of a thread in it.'),
    language: z.enum(['en', 'zh-CN']).default('en').describe('Of the words around it.'),
  });

/** The kinds of channels `discord` and `lark`: what is sent becomes a post, which the ingress of that bot shows, with its buttons. */
export const chatNotifiers = (deps: ChatNotifierDeps): readonly AnyNotifier[] =>
  chatPlatforms.map((name) => chatNotifier(deps, name));

function chatNotifier({ store, clock, log }: ChatNotifierDeps, name: ChatPlatformName): AnyNotifier {
  const notices = createNotices(store);
  return defineNotifier({
    kind: name,
    summary: name === 'discord' ? 'Messages in channels of Discord.' : 'Cards in chats of Lark and Feishu.',
    options: optionsOf(name),
    create: ({ bot, channel, thread, language }) => ({
      async send(batch) {
        const { tenant, id } = batch;
        await notices.add(batch, { channel, language });
        await createPosts({ store, platform: { name, account: bot }, tenants: [], log }).begin({
          ...{ id: `notice-${id}`, tenant, language, createdAt: clock.now(), messages: [], files: 0 },
          place: { channel, ...(thread !== undefined && { thread }) },
          subject: { kind: 'notice', id },
        });
      },
      close: async () => {},
    }),
  });
}
