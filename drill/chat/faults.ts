import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { DrillPlatform } from './drill-platform.ts';
import type { Ingresses } from './ingresses.ts';

/** One way to hurt a chat. */
export interface ChatFault {
  readonly name: string;
  /** What it takes, about, ms. */
  readonly lastsMs: number;
  /** Resolves when what was hurt is whole again. */
  run(): Promise<void>;
}

export interface Victims {
  readonly platform: DrillPlatform;
  readonly ingresses: Ingresses;
  readonly random: Random;
  /** The one that led was killed. Resolves when there was an answer since, or it is not waited for any more. */
  onKill(): Promise<void>;
}

const startMs = 4_000;
const losingMs = 3_000;

/** kill -9 of the one that leads, or of the other. */
export function killing({ ingresses, onKill }: Victims, who: 'active' | 'standby'): ChatFault {
  return {
    name: `kill -9 ${who}`,
    lastsMs: startMs,
    async run() {
      const leader = ingresses.leader();
      const victim = who === 'active' ? leader : 1 - leader;
      await ingresses.kill(victim);
      const answered = who === 'active' ? onKill() : undefined;
      await ingresses.start(victim);
      // Nothing else is to blame for how long it took.
      await answered;
    },
  };
}

/** SIGSTOP of the one that leads, for 5 to 20 s. */
function freezing({ ingresses, random }: Victims, seconds: number = random.between(5, 20)): ChatFault {
  return {
    name: `freeze active ${seconds} s`,
    lastsMs: seconds * 1_000,
    async run() {
      const server = ingresses.process(ingresses.leader());
      await server.kill('SIGSTOP');
      await delay(seconds * 1_000);
      await server.kill('SIGCONT');
    },
  };
}

/** Nothing comes through: connections are reset and refused, or everything is swallowed without a word. */
function cutting({ platform, random }: Victims, seconds: number): ChatFault {
  const { network } = platform;
  const isSilent = random.between(0, 1) === 1;
  return {
    name: `network ${isSilent ? 'silent' : 'cut'} ${seconds} s`,
    lastsMs: seconds * 1_000,
    async run() {
      if (isSilent) network.freeze();
      else network.cut();
      await delay(seconds * 1_000);
      network.heal();
    },
  };
}

export function storming({ platform, random }: Victims, seconds: number = random.between(2, 6)): ChatFault {
  return {
    name: `429 for ${seconds} s`,
    lastsMs: seconds * 1_000,
    run: () => platform.troubles.storm(seconds * 1_000),
  };
}

export const losingAnswers = ({ platform, random }: Victims): ChatFault => ({
  name: '5xx after the message was made',
  lastsMs: losingMs,
  async run() {
    platform.troubles.loseAnswers(random);
    await delay(losingMs);
    platform.clear();
  },
});

export const restarting = ({ platform, random }: Victims): ChatFault => ({
  name: 'restart of the platform',
  lastsMs: 2_000,
  run: () => platform.troubles.restart(random),
});

function dropping({ platform, random }: Victims): ChatFault {
  const { name, run } = platform.troubles.drop(random);
  return {
    name,
    lastsMs: 1_000,
    async run() {
      run();
      await delay(1_000);
    },
  };
}

/** What one run of a drill goes through, in an order of its own. @param longCutSeconds 0: none */
export function programOf(victims: Victims, longCutSeconds: number): readonly ChatFault[] {
  const { random } = victims;
  const all = [
    ...[killing(victims, 'active'), killing(victims, 'active'), killing(victims, 'standby'), freezing(victims)],
    ...[cutting(victims, 1), storming(victims), losingAnswers(victims), losingAnswers(victims)],
    ...[restarting(victims), dropping(victims), dropping(victims)],
    ...(longCutSeconds > 0 ? [cutting(victims, longCutSeconds)] : []),
  ];
  return all
    .map((fault) => ({ fault, place: random.between(0, 1_000_000) }))
    .sort((a, b) => a.place - b.place)
    .map(({ fault }) => fault);
}
