import { setTimeout as delay } from 'node:timers/promises';
import type { Installation, TcpProxy, TestSshd } from '@moltbot/testkit';
import type { Random } from './random.ts';

/** One way to hurt an installation. It resolves when what was hurt is whole again. */
export interface Fault {
  readonly name: string;
  /** What it hurts: nothing is hurt twice at a time. */
  readonly victim: string;
  readonly weight: number;
  run(random: Random): Promise<void>;
}

export interface Victims {
  readonly moltbot: Installation;
  readonly sshds: readonly TestSshd[];
  readonly sshLinks: readonly TcpProxy[];
}

const frozenMs = 20_000;

/** All that can be done to an installation, embedded or distributed. */
export function faultsOf({ moltbot, sshds, sshLinks }: Victims): readonly Fault[] {
  const isOneProcess = moltbot.redis === undefined;
  const executors = isOneProcess ? [] : moltbot.executors().map((_, index) => index);
  return [
    ...processFaults(isOneProcess ? 'moltbot' : 'gateway', {
      restart: () => moltbot.restartGateway(),
      process: () => moltbot.gateway(),
    }),
    ...executors.flatMap((index) =>
      processFaults(`executor ${index}`, {
        restart: () => moltbot.restartExecutor(index),
        process: () => {
          const executor = moltbot.executors()[index];
          if (!executor) throw new Error(`there is no executor ${index}`);
          return executor;
        },
      }),
    ),
    ...(isOneProcess ? [] : moltbot.schedulers()).flatMap((_, index) =>
      processFaults(`scheduler ${index}`, {
        restart: () => moltbot.restartScheduler(index),
        process: () => {
          const scheduler = moltbot.schedulers()[index];
          if (!scheduler) throw new Error(`there is no scheduler ${index}`);
          return scheduler;
        },
      }),
    ),
    ...serverFaults(moltbot),
    ...moltbot.links.flatMap(({ name, proxy }) => linkFaults(name, proxy, 1)),
    ...sshLinks.flatMap((proxy, index) => linkFaults(`ssh to host ${index + 1}`, proxy, 2)),
    ...sshds.map((sshd, index) => ({
      name: `kill the sessions of host ${index + 1}`,
      victim: `ssh to host ${index + 1}`,
      weight: 2,
      run: () => sshd.killSessions(),
    })),
  ];
}

interface Process {
  readonly restart: () => Promise<void>;
  readonly process: () => { kill(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> };
}

const processFaults = (name: string, { restart, process }: Process): Fault[] => [
  { name: `kill -9 ${name}`, victim: name, weight: 6, run: restart },
  {
    name: `freeze ${name} for 20 s`,
    victim: name,
    weight: 2,
    async run() {
      await process().kill('SIGSTOP');
      await delay(frozenMs);
      await process().kill('SIGCONT');
    },
  },
];

function serverFaults({ redis, rabbitmq }: Installation): Fault[] {
  if (!redis || !rabbitmq) return [];
  const pause = async (server: { pause(): Promise<void>; resume(): Promise<void> }, ms: number): Promise<void> => {
    await server.pause();
    await delay(ms);
    await server.resume();
  };
  return [
    { name: 'kill -9 Redis', victim: 'redis', weight: 4, run: () => redis.restart() },
    { name: 'restart Redis empty', victim: 'redis', weight: 4, run: () => redis.restartEmpty() },
    { name: 'freeze Redis', victim: 'redis', weight: 2, run: (random) => pause(redis, random.between(1_000, 20_000)) },
    { name: 'kill -9 RabbitMQ', victim: 'rabbitmq', weight: 4, run: () => rabbitmq.restart() },
    {
      name: 'freeze RabbitMQ',
      victim: 'rabbitmq',
      weight: 2,
      run: (random) => pause(rabbitmq, random.between(1_000, 20_000)),
    },
  ];
}

const linkFaults = (name: string, proxy: TcpProxy, weight: number): Fault[] => [
  {
    name: `cut ${name}`,
    victim: name,
    weight,
    async run(random) {
      proxy.cut();
      await delay(random.between(100, 5_000));
      proxy.heal();
    },
  },
  {
    name: `freeze ${name}`,
    victim: name,
    weight,
    async run(random) {
      proxy.freeze();
      await delay(random.between(1_000, 20_000));
      proxy.thaw();
    },
  },
];

/** Runs `count` faults, up to `lanes` at a time, each on something that is whole. Returns how often each kind was run. */
export async function hurt(
  faults: readonly Fault[],
  {
    count,
    lanes,
    random,
    onFault,
  }: {
    readonly count: number;
    readonly lanes: number;
    readonly random: Random;
    readonly onFault: (done: number, name: string) => void;
  },
): Promise<ReadonlyMap<string, number>> {
  const tally = new Map<string, number>();
  const hurting = new Set<string>();
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const whole = faults.filter(({ victim }) => !hurting.has(victim));
      const fault = random.pick(whole.flatMap((candidate) => Array<Fault>(candidate.weight).fill(candidate)));
      hurting.add(fault.victim);
      onFault(begun, fault.name);
      await fault.run(random);
      hurting.delete(fault.victim);
      tally.set(fault.name, (tally.get(fault.name) ?? 0) + 1);
      await delay(random.between(0, 2_000));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return tally;
}
