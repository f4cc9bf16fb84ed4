import { MoltError, systemClock } from '@moltbot/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Incoming } from '../src/incoming.ts';
import {
  type ChatLab,
  createFakeAnswer,
  type Instance,
  openChatLab,
  pressedBy,
  saidBy,
  soon,
  until,
} from './chat-lab.ts';

type Step =
  | { readonly do: 'say'; readonly channel: number; readonly what: 'run' | 'fail' | 'help' | 'refused' | 'ask' }
  | { readonly do: 'again' | 'press'; readonly which: number }
  | { readonly do: 'kill' | 'freeze' | 'hand over' | 'wait' }
  | { readonly do: 'fault'; readonly when: 'before' | 'after'; readonly with: 'down' | 'limited' | 'slow' }
  | { readonly do: 'store'; readonly state: 'before' | 'after'; readonly ms: number };

const say = fc.record({
  do: fc.constant('say' as const),
  channel: fc.integer({ min: 0, max: 1 }),
  what: fc.constantFrom(
    'run' as const,
    'run' as const,
    'fail' as const,
    'help' as const,
    'refused' as const,
    'ask' as const,
  ),
});
const trouble = fc.oneof(
  fc.record({ do: fc.constantFrom('again' as const, 'press' as const), which: fc.nat(20) }),
  fc.record({ do: fc.constantFrom('kill' as const, 'freeze' as const, 'hand over' as const, 'wait' as const) }),
  fc.record({
    ...{ do: fc.constant('fault' as const), when: fc.constantFrom('before' as const, 'after' as const) },
    with: fc.constantFrom('down' as const, 'limited' as const, 'slow' as const),
  }),
  fc.record({
    ...{ do: fc.constant('store' as const), state: fc.constantFrom('before' as const, 'after' as const) },
    ms: fc.integer({ min: 1, max: 60 }),
  }),
);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof({ weight: 2, arbitrary: say }, { weight: 3, arbitrary: trouble }),
  {
    ...{ minLength: 3, maxLength: 22 },
  },
);

/** What an adapter does: the events of a channel in their order, each until somebody has handled it. */
function createAdapter(lab: ChatLab) {
  let leader: Instance | undefined;
  let endLeading: () => Promise<void> = async () => {};
  let changed = Promise.withResolvers<void>();
  const lanes = new Map<string, Promise<void>>();
  const ended: Promise<void>[] = [];

  const lead = async (): Promise<void> => {
    const next = await lab.instance();
    endLeading = next.lead();
    leader = next;
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const give = async (incoming: Incoming): Promise<void> => {
    for (;;) {
      // Whoever is gone never answers.
      const gone = changed.promise.then(() => false);
      const handled = leader?.handle(incoming).then(
        () => true,
        () => false,
      );
      if (await Promise.race([handled, gone])) return;
      await systemClock.sleep(5);
    }
  };
  return {
    lead,
    give,
    say(incoming: Incoming): void {
      const { channel } = incoming.place;
      lanes.set(
        channel,
        (lanes.get(channel) ?? Promise.resolve()).then(() => give(incoming)),
      );
    },
    async kill(): Promise<void> {
      leader?.kill();
      await lead();
    },
    async handOver(): Promise<void> {
      await endLeading();
      await lead();
    },
    /** It goes on when another leads, and learns only then that it does not. */
    async freeze(): Promise<void> {
      const [old, end] = [leader, endLeading];
      old?.freeze();
      await lead();
      ended.push(
        systemClock.sleep(60).then(async () => {
          old?.thaw();
          await systemClock.sleep(3);
          await end();
        }),
      );
    },
    beside: (incoming: Incoming): void => void ended.push(give(incoming)),
    idle: async () => void (await Promise.all([...lanes.values(), ...ended])),
    end: () => endLeading(),
  };
}

interface Said {
  readonly incoming: Incoming;
  readonly what: Extract<Step, { do: 'say' }>['what'];
  readonly word: string;
}

const textOf = ({ what, word }: Pick<Said, 'what' | 'word'>): string =>
  ({
    run: `run on:web-1 -- echo ${word}`,
    fail: `run on:web-1 -- false ${word}`,
    help: 'help',
    refused: `run on:no-${word} -- id`,
    ask: `risky.deploy on:web-1 version=${word}`,
  })[what];

/** Bob, who may not, says no; Ann, who asked, yes. */
const pressOf = ({ incoming: { id, place } }: Said, actor: string): Incoming =>
  pressedBy(actor, `decide:${id}:${actor === 'ann' ? 'yes' : 'no'}`, { place, answer: createFakeAnswer() });

async function play(lab: ChatLab, given: readonly Step[]): Promise<readonly Said[]> {
  const adapter = createAdapter(lab);
  const said: Said[] = [];
  await lab.link('ann');
  await lab.link('bob');
  await adapter.lead();
  const isStoreDown = { until: 0 };
  for (const step of given) {
    if (step.do === 'say') {
      const { what } = step;
      const word = `w${said.length}w`;
      const incoming = saidBy('ann', textOf({ what, word }), { place: { channel: `c${step.channel}` } });
      said.push({ incoming, what, word });
      adapter.say(incoming);
    } else if (step.do === 'again') {
      const again = said[step.which % Math.max(1, said.length)];
      if (again) adapter.say(again.incoming);
    } else if (step.do === 'press') {
      const asked = said.filter(({ what }) => what === 'ask');
      const which = asked[step.which % Math.max(1, asked.length)];
      if (which) adapter.beside(pressOf(which, step.which % 3 === 0 ? 'bob' : 'ann'));
    } else if (step.do === 'fault') {
      let isLeft = true;
      lab.platform.fault = (_call, when) => {
        if (!isLeft || when !== step.when) return;
        isLeft = false;
        // Longer than another takes to lead and to end it.
        if (step.with === 'slow') return systemClock.sleep(80);
        if (step.with === 'limited' && when === 'before')
          throw new MoltError('MOLT_CHAT_LIMITED', 'too much', { details: { retryAfterMs: 20 } });
        throw new MoltError('MOLT_CHAT_DOWN', 'bad gateway');
      };
    } else if (step.do === 'store') {
      isStoreDown.until += 1;
      const mine = isStoreDown.until;
      lab.setStore(step.state);
      void systemClock.sleep(step.ms).then(() => isStoreDown.until === mine && lab.setStore('up'));
    } else if (step.do === 'wait') {
      await systemClock.sleep(20);
    } else if (step.do === 'hand over') {
      await adapter.handOver();
    } else await adapter[step.do]();
    await systemClock.sleep(step.do === 'say' ? 0 : 4);
  }
  isStoreDown.until += 1;
  lab.setStore('up');
  await adapter.idle();
  // Who may not, and who may: at once, and more than once.
  for (const one of said) {
    if (one.what !== 'ask') continue;
    await Promise.all(['bob', 'ann', 'ann'].map((actor) => adapter.give(pressOf(one, actor))));
  }
  for (const { incoming } of said) await adapter.give(incoming);
  await expect.poll(lab.openPosts, soon).toBe(0);
  await adapter.end();
  return said;
}

test('whoever dies, freezes or fails: each command runs once, and its answer stands once, in its place and order', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (given) => {
      const lab = await openChatLab({ limits: { channel: { calls: 1_000, perMs: 100, reserve: 2 } } });
      const said = await play(lab, given);
      const commandOf = ({ what, word }: Said): string =>
        what === 'run' ? `echo ${word}` : what === 'fail' ? `false ${word}` : 'risky.deploy';
      const toRun = said.filter(({ what }) => what === 'run' || what === 'fail' || what === 'ask');
      expect(lab.ran.map(({ command }) => command).toSorted()).toEqual(toRun.map(commandOf).toSorted());
      for (const one of said) {
        const answers = lab.said().filter(({ message }) => message.replyTo === one.incoming.id);
        expect(answers, textOf(one)).toHaveLength(one.what === 'ask' ? 2 : 1);
        for (const { message } of answers) {
          expect(message.place).toEqual(one.incoming.place);
          expect(message.versions.at(-1)?.tone).not.toBe('working');
        }
        const text = answers.map((answer) => answer.text).join('\n');
        if (one.what === 'run' || one.what === 'fail') expect(text).toContain(one.word);
        if (one.what === 'refused') expect(text).toContain('MOLT_NO_TARGETS');
        if (one.what === 'ask') expect(text).toContain('Run by ann');
      }
      for (const channel of ['c0', 'c1']) {
        const order = said.map(({ incoming }) => incoming).filter(({ place }) => place.channel === channel);
        const stands = lab.said().filter(({ message }) => message.place.channel === channel);
        const first = [...new Set(stands.map(({ message }) => message.replyTo))];
        expect(first).toEqual(order.map(({ id }) => id));
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
}, 240_000);

test('a store that is emptied takes no answer with it that is being given', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  lab.platform.fault = (call, when) => {
    if (call === 'post' && when === 'before') throw new MoltError('MOLT_CHAT_DOWN', 'bad gateway');
  };
  one.lead();
  for (const text of ['help', 'targets']) await one.handle(saidBy('ann', text));
  await systemClock.sleep(50);
  await lab.emptyStore();
  lab.platform.fault = () => {};
  await until(() => lab.said().length === 2);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.said()[1]?.text).not.toBe(lab.said()[0]?.text);
});

test('a store that is emptied takes no answer with it that is on the bus, and no command is run again', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  const commands = ['a', 'b', 'c'].map((word) => saidBy('ann', `run on:web-1 -- hold ${word}`));
  for (const command of commands) await one.handle(command);
  await until(() => lab.ran.length === 3 && lab.said().length === 3);
  await lab.emptyStore();
  await lab.link('ann');
  // They come again, from a platform that was told too late.
  lab.clock.advance(15_000);
  for (const command of commands) await one.handle(command);
  lab.release();
  await systemClock.sleep(300);
  lab.release();
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toHaveLength(3);
  expect(lab.said()).toHaveLength(3);
  for (const { message } of lab.said()) expect(message.versions.at(-1)?.tone).toBe('success');
});
