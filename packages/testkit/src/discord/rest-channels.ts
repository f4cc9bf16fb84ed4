import { refusal } from './api-error.ts';
import { createForm } from './form.ts';
import { channelPayload, threadPayload } from './payloads.ts';
import type { RestDeps } from './rest-messages.ts';
import { type Route, route } from './router.ts';
import type { Threads } from './threads.ts';

/** Channels, threads, direct messages. https://discord.com/developers/docs/resources/channel */
export function createChannelRoutes({
  world,
  access,
  threads,
}: RestDeps & { readonly threads: Threads }): readonly Route[] {
  return [
    route('GET', '/channels/:channel', ({ params }) => ({
      body: channelPayload(access.channel(params.channel), world),
    })),
    route('PATCH', '/channels/:channel', ({ params, fields }) => {
      const channel = access.channel(params.channel);
      access.demand(channel, [channel.thread ? 'ManageThreads' : 'ManageChannels']);
      threads.change(channel, fields);
      return { body: channelPayload(channel, world) };
    }),
    route('POST', '/channels/:channel/messages/:message/threads', ({ params, fields }) => {
      const from = access.message(params.channel, params.message);
      access.demand(from.channel, ['CreatePublicThreads']);
      const thread = threads.open(from.channel, fields, { ownerId: world.bot.id, from });
      return { status: 201, body: threadPayload(thread) };
    }),
    route('POST', '/channels/:channel/threads', ({ params, fields }) => {
      const parent = access.channel(params.channel);
      access.demand(parent, ['CreatePublicThreads']);
      return { status: 201, body: threadPayload(threads.open(parent, fields, { ownerId: world.bot.id })) };
    }),
    route('PUT', '/channels/:channel/thread-members/@me', ({ params }) => {
      access.channel(params.channel);
      return {};
    }),
    route('POST', '/users/@me/channels', ({ fields }) => {
      const form = createForm();
      form.text(['recipient_id'], fields['recipient_id'], { min: 1, max: 20 });
      form.done();
      const recipient = world.people.find(({ user }) => user.id === fields['recipient_id']);
      if (!recipient) throw refusal('unknownUser');
      return { body: channelPayload(world.openDm(recipient.user.id), world) };
    }),
  ];
}
