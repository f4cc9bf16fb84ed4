import { createScheduleDesk, type ScheduleDesk } from '@moltbot/schedules';
import { type Principal, ScheduleSpec, type ScheduleSpecInput, silentLogger } from '@moltbot/shared';
import { onTestFinished } from 'vitest';
import type { Incoming } from '../src/incoming.ts';
import type { ChatMessage } from '../src/message.ts';
import { type ChatLab, createFakeAnswer, type Instance, openChatLab, pressedBy, saidBy } from './chat-lab.ts';
import { expectPromises } from './render-promises.ts';

export const ops: Principal = { tenant: 'acme', id: 'key:ops' };

export const specOf = (more: Partial<ScheduleSpecInput> = {}): ScheduleSpec =>
  ScheduleSpec.parse({
    ...{ when: '0 2 * * *', timezone: 'Europe/Berlin', overlap: 'allow' },
    task: { action: 'shell.run', on: 'web-1', args: { command: 'echo backup' } },
    ...more,
  });

export interface Desk {
  readonly lab: ChatLab;
  readonly one: Instance;
  /** What an API changes. */
  readonly api: ScheduleDesk;
  /** Says it as ann, and gives what only she sees. */
  ask(text: string, more?: Partial<Incoming>): Promise<ChatMessage>;
  press(button: string): Promise<ChatMessage>;
}

export async function openDesk(options: Parameters<typeof openChatLab>[0] = {}): Promise<Desk> {
  const lab = await openChatLab(options);
  await lab.link('ann');
  const one = await lab.instance();
  const { store, clock } = lab;
  const api = createScheduleDesk({
    ...{ store, clock, intake: { check: () => 'idempotent' }, calendars: new Map(), channels: {}, log: silentLogger },
  });
  const whispered = async (say: (answer: ReturnType<typeof createFakeAnswer>) => Incoming): Promise<ChatMessage> => {
    const answer = createFakeAnswer();
    await one.handle(say(answer));
    const [message, ...others] = answer.whispers;
    if (!message || others.length > 0) throw new Error(`there are ${answer.whispers.length} answers`);
    expectPromises(message);
    return message;
  };
  return {
    ...{ lab, one, api },
    ask: (text, more = {}) => whispered((answer) => ({ ...saidBy('ann', text), ...more, answer }) as Incoming),
    press: (button) => whispered((answer) => pressedBy('ann', button, { answer })),
  };
}

/** Fires what waits, as whoever leads the schedules does. */
export function lead({ lab: { store, clock } }: Pick<Desk, 'lab'>, taskId: string): void {
  let isOver = false;
  const fire = async (): Promise<void> => {
    while (!isOver) {
      for (const { scheduleId, occurrence } of await store.listOpenOccurrences('acme', { limit: 10 })) {
        const { at, state } = occurrence;
        if (state !== 'waiting') continue;
        await store.moveOccurrence({ tenant: 'acme', scheduleId, at, to: { state: 'firing' } });
        await store.moveOccurrence({ tenant: 'acme', scheduleId, at, to: { state: 'fired', taskId } });
      }
      await clock.sleep(5);
    }
  };
  const firing = fire();
  onTestFinished(async () => {
    isOver = true;
    await firing;
  });
}
