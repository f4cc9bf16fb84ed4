import { createApiClient, eventually } from '@moltbot/testkit';
import { describe, expect, test } from 'vitest';
import type { ChatLab } from './lab.ts';
import type { Said, TestPlatform } from './platforms.ts';

interface Talk {
  platform(): TestPlatform;
  lab(): ChatLab;
  /** Id of the message. */
  ask(text: string): string;
  /** The answer once it has these buttons. */
  answerWith(id: string, buttons: readonly string[]): Promise<Said>;
  /** Says something, and gives the answer once it has all of the parts. */
  told(text: string, parts: readonly string[], user?: string): Promise<Said>;
}

export const ticking: Readonly<Record<string, unknown>> = {
  ...{ id: 'tick', when: '30 2 * * *', timezone: 'Europe/Berlin', description: 'Says seventeen' },
  task: { action: 'shell.run', on: 'web-1', args: { command: 'echo tick $((10 + 7))' } },
};

/** What people can do about schedules in a chat, whatever the platform. */
export function describeSchedules({ platform, lab, ask, answerWith, told }: Talk): void {
  describe('a schedule', () => {
    const api = () => createApiClient(lab().url(), lab().key());
    const recordOf = async (id: string) =>
      (await api().get<{ paused?: { by: string } }>(`/v1/schedules/${id}`)).body.paused;

    test('is listed, found by its words, and shown with its next instants', async () => {
      await told('schedules', ['tick', 'flaky', 'broken']);
      const found = await told('schedules seventeen', ['1 schedule', 'tick', 'daily 02:30', 'on']);
      expect(found.text).not.toContain('flaky');
      const shown = await told('schedule tick', ['shell.run → web-1', 'Europe/Berlin', '30:00 CE', 'UTC', 'overlap']);
      expect(shown.buttons).toEqual(['Run now', 'Pause']);
    });

    test('is run now, once a message, and its answer follows the task', async () => {
      const said = await answerWith(ask('fire tick'), ['Rerun', 'Details']);
      for (const part of ['tick 17', 'succeeded']) expect(said.text).toContain(part);
      const task = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(said.text)?.[0] ?? 'none';
      await told('schedule tick', ['fired by hand', task.slice(0, 13)]);
      await told('schedules seventeen', ['succeeded']);
    });

    test('is paused and resumed by commands and by buttons, as who did', async () => {
      await told('pause tick', ['tick is paused']);
      expect(await recordOf('tick')).toMatchObject({ by: expect.stringMatching(/alice|^(?:discord|lark):/) });
      await told('schedules seventeen', ['paused']);
      const shown = await told('schedule tick', ['paused by'], 'bob');
      expect(shown.buttons).toEqual(['Run now', 'Resume']);
      await platform().press('bob', shown.id, 'Resume');
      await eventually('it is resumed', async () => (await recordOf('tick')) === undefined);
      await told('恢复 tick', ['was not paused']);
    });
  });
}
