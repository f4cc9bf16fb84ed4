import type { Incoming } from '@moltbot/chat';
import { silentLogger, systemClock } from '@moltbot/shared';
import { MessageType } from 'discord-api-types/v10';
import { expect, it } from 'vitest';
import type { AnyMessage } from '../src/events/message-to-incoming.ts';
import { createPlaces } from '../src/events/places.ts';
import { createReception } from '../src/events/reception.ts';
import type { DiscordRest } from '../src/rest/discord-rest.ts';
import { never } from './lab.ts';

it('gives nothing to the chat once the clock says that the term is over, before any signal does', async () => {
  const { reception, given, handled, marked, setOver } = lab();
  reception.message(messageOf('1', 'one'), () => handled.push('1'));
  await reception.idle();
  // As a process that was frozen past its lease wakes: with events in its socket, and its timers still to come.
  setOver();
  reception.message(messageOf('2', 'two'), () => handled.push('2'));
  await reception.idle();
  expect([given, handled, marked]).toEqual([['one'], ['1'], ['1']]);
});

it('does not note as handled what was in hand when the term ended: the next one gets it again', async () => {
  const { reception, given, handled, marked, setOver, during } = lab();
  during.push(setOver);
  reception.message(messageOf('1', 'one'), () => handled.push('1'));
  await reception.idle();
  expect([given, handled, marked]).toEqual([['one'], [], []]);
});

it('does what is put between before what waits', async () => {
  const { reception, given } = lab();
  const opened = Promise.withResolvers<void>();
  const holding = reception.hold(async () => {
    await opened.promise;
    reception.between('9', () => reception.read(messageOf('1', 'missed')));
  });
  reception.message(messageOf('2', 'now'));
  reception.message(messageOf('1', 'missed'));
  opened.resolve();
  await holding;
  await reception.idle();
  expect(given).toEqual(['missed', 'now']);
});

function lab() {
  const given: string[] = [];
  const handled: string[] = [];
  const marked: string[] = [];
  const during: (() => void)[] = [];
  let isOver = false;
  const nobody: DiscordRest = { call: () => Promise.reject(new Error('nobody asks')), close: () => {} };
  const config = { guilds: {}, directMessages: 'default', prefix: '!', messageContent: false };
  const botId = (): string => '5';
  const reception = createReception({
    term: { epoch: 1, signal: never, isOver: () => isOver },
    chat: {
      async handle(incoming: Incoming) {
        given.push(incoming.kind === 'text' ? incoming.text : incoming.kind);
        for (const happen of during) happen();
      },
      complete: async () => [],
    },
    seen: {
      ...{
        isFirst: () => false,
        after: () => '0',
        lastOf: () => undefined,
        channels: () => [],
        forget: () => {},
        flush: async () => {},
      },
      mark: (_channel, id) => void marked.push(id),
    },
    ...{
      config,
      botId,
      rest: nobody,
      places: createPlaces({ config, rest: nobody, botId }),
      clock: systemClock,
      log: silentLogger,
    },
    rolesOf: async () => [],
    onIncoming: () => {},
  });
  const setOver = (): void => {
    isOver = true;
  };
  return { reception, given, handled, marked, during, setOver };
}

/** A direct message. */
const messageOf = (id: string, content: string): AnyMessage =>
  ({
    ...{ id, content, channel_id: '9', type: MessageType.Default, attachments: [] },
    author: { id: '7', username: 'alice', global_name: null, discriminator: '0', avatar: null },
  }) as unknown as AnyMessage;
