import {
  type DrillPlatform,
  type Ground,
  killing,
  losingAnswers,
  restarting,
  runChat,
  startDrillDiscord,
  startDrillLark,
  startGround,
  storming,
  type Victims,
} from '@moltbot/drill';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const commands = 12;

/** What the drill does in minutes, in some seconds. */
const program = (victims: Victims) => [
  storming(victims, 1),
  killing(victims, 'active'),
  losingAnswers(victims),
  restarting(victims),
];

describe('commands given while the active ingress is killed and the platform refuses, errs and restarts', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await startGround();
  });
  afterAll(() => ground.stop());

  const endWell = async (start: () => Promise<DrillPlatform>): Promise<void> => {
    const platform = await start();
    try {
      const { findings } = await runChat({
        ...{ ground, platform, program, commands, bot: `chaos-${platform.name}`, seed: 8, endsWithinMs: 60_000 },
      });
      expect(findings.wrong).toEqual([]);
      expect(findings).toMatchObject({ said: commands, ranOnce: commands, answered: commands, ownRefusals: 0 });
    } finally {
      await platform.stop();
    }
  };

  test.concurrent('of Discord run once, and are answered once and in order', () => endWell(startDrillDiscord), 120_000);
  test.concurrent('of Lark run once, and are answered once and in order', () => endWell(startDrillLark), 120_000);
});
