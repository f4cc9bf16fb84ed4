import { createBell } from '@moltbot/shared';
import type { Random } from '../random.ts';
import { channels, type DrillPlatform } from './drill-platform.ts';
import type { Command } from './verdict.ts';

/** Those who give the commands, numbered from 1. */
export interface People {
  readonly said: readonly Command[];
  /** A first command in each channel. */
  greet(): void;
  /** So many commands, in any of the channels; what is next is said at once after `hurry`. */
  speak(commands: number, everyMs: number): Promise<void>;
  hurry(): void;
}

export interface PeopleDeps {
  readonly platform: Pick<DrillPlatform, 'say'>;
  /** The file to which command n adds its number. */
  readonly journal: string;
  readonly random: Random;
}

export function createPeople({ platform, journal, random }: PeopleDeps): People {
  const said: Command[] = [];
  const bell = createBell();
  const command = (channel: string): void => {
    const n = said.length + 1;
    const seconds = random.pick([0, 0, 1, random.between(2, 6)]);
    const wait = seconds > 0 ? ` sleep ${seconds};` : '';
    const text = `run on:web-1 -- echo ${n} >> ${journal};${wait} printf 'number %s!' ${n}`;
    said.push({ n, channel, at: Date.now(), messageId: platform.say(channel, text) });
  };
  return {
    said,
    greet() {
      for (const channel of channels) command(channel);
    },
    async speak(commands, everyMs) {
      for (let spoken = 0; spoken < commands; spoken += 1) {
        await bell.sleep(random.between(everyMs / 2, (everyMs * 3) / 2));
        command(random.pick(channels));
      }
    },
    hurry: bell.ring,
  };
}
