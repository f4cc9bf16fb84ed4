import { type Notification, silentLogger } from '@moltbot/shared';
import { expect, test } from 'vitest';
import type { Incoming } from '../src/incoming.ts';
import { chatNotifiers } from '../src/notifier.ts';
import { type ChatLab, createFakeAnswer, openChatLab, place, pressedBy, saidBy, soon, until } from './chat-lab.ts';

const minute = 60_000;

/** A lab in which ann has asked for something, and the button that says yes to it; nobody leads. */
async function asked(command = 'risky.deploy on:web-1'): Promise<{ readonly lab: ChatLab; readonly yes: string }> {
  const lab = await openChatLab();
  for (const actor of ['ann', 'bob']) await lab.link(actor);
  const one = await lab.instance();
  const end = one.lead();
  await one.handle(saidBy('ann', command));
  await until(() => lab.said().length === 1);
  await end();
  return { lab, yes: lab.said()[0]?.message.versions[0]?.buttons?.[0]?.id ?? '' };
}

/** Its process dies when it calls this of the store. */
async function diesAt(lab: ChatLab, press: Incoming, isThere: (call: string, given: readonly unknown[]) => boolean) {
  const one = await lab.instance();
  const dead = Promise.withResolvers<void>();
  lab.onStore = (call, given) => {
    if (!isThere(call, given)) return undefined;
    lab.onStore = () => {};
    one.kill();
    dead.resolve();
    return new Promise(() => {});
  };
  void one.handle(press);
  await dead.promise;
}

const kindOf = (name: unknown): string => (name as { readonly kind: string }).kind;
const atSubmit = (call: string): boolean => call === 'acceptTask';

async function grantsOf({ store }: ChatLab): Promise<number> {
  return (await store.listRecords({ tenant: 'acme', kind: 'chat.grants.discord.main' }, { limit: 10 })).records.length;
}

test.each([
  ['confirmed', 'risky.deploy on:web-1', 'ann'],
  ['approved', 'risky.drop on:web-1', 'bob'],
])(
  'what was %s by a press that is lost with its process is run by whoever leads next, once',
  async (_how, command, by) => {
    const { lab, yes } = await asked(command);
    const press = pressedBy(by, yes);
    await diesAt(lab, press, atSubmit);
    expect(await grantsOf(lab)).toBe(1);
    lab.clock.advance(2 * minute);
    const [two, three] = [await lab.instance(), await lab.instance()];
    two.lead();
    three.lead();
    await until(() => lab.ran.length === 1);
    await expect.poll(lab.openPosts, soon).toBe(0);
    await expect.poll(() => grantsOf(lab), soon).toBe(0);
    expect(lab.ran).toMatchObject([{ command: command.split(' ')[0], principal: 'user:ann' }]);
    // The platform gives the press again after all.
    await two.handle(press);
    await expect.poll(lab.openPosts, soon).toBe(0);
    expect(lab.ran).toHaveLength(1);
    expect(lab.said()).toHaveLength(2);
    expect(await grantsOf(lab)).toBe(0);
  },
);

test('whoever was pressed for is left alone for a minute', async () => {
  const { lab, yes } = await asked();
  await diesAt(lab, pressedBy('ann', yes), atSubmit);
  const looked = Promise.withResolvers<void>();
  let looks = 0;
  lab.onStore = (call, [name]) => {
    if (call !== 'getRecord' || (name as { kind: string }).kind !== 'chat.questions') return;
    looks += 1;
    // Its post looks as well.
    if (looks === 2) looked.resolve();
  };
  const end = (await lab.instance()).lead();
  await looked.promise;
  await end();
  expect(lab.ran).toEqual([]);
  expect(await grantsOf(lab)).toBe(1);
});

test('what was decided long ago is not run, and that is said', async () => {
  const { lab, yes } = await asked();
  await diesAt(lab, pressedBy('ann', yes), atSubmit);
  lab.clock.advance(90 * minute);
  (await lab.instance()).lead();
  await until(() => lab.said().some(({ text }) => text.includes('It has not run')));
  await expect.poll(() => grantsOf(lab), soon).toBe(0);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toEqual([]);
});

test('what is refused then is told once, and is not run afterwards', async () => {
  const { lab, yes } = await asked();
  await diesAt(lab, pressedBy('ann', yes), atSubmit);
  lab.clock.advance(2 * minute);
  lab.setBus('blocked');
  (await lab.instance()).lead();
  await until(() => lab.said().some(({ text }) => text.includes('MOLT_BUS_FULL')));
  await expect.poll(lab.openPosts, soon).toBe(0);
  lab.setBus('ready');
  (await lab.instance()).lead();
  expect(await grantsOf(lab)).toBe(0);
  expect(lab.ran).toEqual([]);
});

test('nothing is run for somebody whose link was taken back meanwhile', async () => {
  const { lab, yes } = await asked();
  await diesAt(lab, pressedBy('ann', yes), atSubmit);
  await lab.desk.forget({ tenant: 'acme', id: 'key:ops' }, 'discord:main:ann');
  lab.clock.advance(2 * minute);
  (await lab.instance()).lead();
  await until(() => lab.said().some(({ text }) => text.includes('MOLT_CHAT_UNLINKED')));
  expect(lab.ran).toEqual([]);
});

test('a refusal that was told, and a press that came second, leave nothing to go on with', async () => {
  const { lab, yes } = await asked();
  const one = await lab.instance();
  lab.setBus('blocked');
  const answer = createFakeAnswer();
  await one.handle(pressedBy('ann', yes, { answer }));
  expect(JSON.stringify(answer.whispers)).toContain('MOLT_BUS_FULL');
  expect(await grantsOf(lab)).toBe(0);
  await one.handle(pressedBy('bob', yes, { answer: createFakeAnswer() }));
  expect(await grantsOf(lab)).toBe(0);
});

test('a press whose process dies before it decides decides nothing, and another may', async () => {
  const { lab, yes } = await asked();
  await diesAt(
    lab,
    pressedBy('ann', yes),
    (call, [name, value]) =>
      call === 'putRecord' && (name as { kind: string }).kind === 'chat.questions' && String(value).includes('"yes"'),
  );
  expect(await grantsOf(lab)).toBe(1);
  lab.clock.advance(2 * minute);
  const two = await lab.instance();
  const end = two.lead();
  await two.handle(pressedBy('ann', yes.replace(/yes$/, 'no')));
  await expect.poll(lab.openPosts, soon).toBe(0);
  await end();
  two.lead();
  await expect.poll(() => grantsOf(lab), soon).toBe(0);
  expect(lab.ran).toEqual([]);
  expect(lab.said()[0]?.text).toContain('Dismissed by ann');
});

test('what was told not to run is not run by the press that is given again', async () => {
  const { lab, yes } = await asked();
  const press = pressedBy('ann', yes);
  await diesAt(lab, press, atSubmit);
  lab.clock.advance(90 * minute);
  const two = await lab.instance();
  two.lead();
  await until(() => lab.said().some(({ text }) => text.includes('It has not run')));
  await expect.poll(() => grantsOf(lab), soon).toBe(0);
  await two.handle(press);
  await two.handle(saidBy('ann', 'run on:web-1 -- after', { at: lab.clock.now() }));
  await until(() => lab.ran.length > 0);
  expect(lab.ran).toMatchObject([{ command: 'after' }]);
});

/** A lab with a notification that stands in the channel, and the button that runs its remedy; nobody leads. */
async function alerted(action = 'shell.run', args: object = { command: 'clean up' }) {
  const lab = await openChatLab();
  for (const actor of ['ann', 'bob']) await lab.link(actor);
  const [discord] = chatNotifiers({ store: lab.store, clock: lab.clock, log: silentLogger });
  const notifier = discord?.create({ bot: 'main', channel: place.channel, language: 'en' });
  const remedy = {
    id: 'clean',
    title: 'Clean up',
    kind: 'run',
    task: { action, args: { ...args }, on: 'web-1' },
  } as const;
  const notification: Notification = {
    ...{ id: 'n1', tenant: 'acme', at: Date.now(), severity: 'error', title: 'A disk is full', labels: {} },
    actions: [remedy],
  };
  const batch = { id: 'b1', tenant: 'acme', channel: 'ops', at: Date.now(), kind: 'now', severity: 'error' } as const;
  const context = { signal: AbortSignal.timeout(10_000), log: silentLogger };
  await notifier?.send({ ...batch, items: [{ notification, repeats: 0 }] }, context);
  const end = (await lab.instance()).lead();
  await until(() => lab.said().length === 1);
  await end();
  const [told] = lab.said();
  const button = told?.message.versions[0]?.buttons?.[0]?.id ?? '';
  return { lab, press: (actor: string) => pressedBy(actor, button, { message: told?.id ?? '' }) };
}

const startedBy = ({ said }: ChatLab, who: string): boolean =>
  said().some(({ text }) => text.includes(`The remedy was started by ${who}`));

test('a remedy whose press is lost with its process is run by whoever leads next, once', async () => {
  const { lab, press } = await alerted();
  const lost = press('ann');
  await diesAt(lab, lost, atSubmit);
  expect(await grantsOf(lab)).toBe(1);
  lab.clock.advance(2 * minute);
  const [two, three] = [await lab.instance(), await lab.instance()];
  two.lead();
  three.lead();
  await until(() => lab.ran.length === 1);
  await expect.poll(() => grantsOf(lab), soon).toBe(0);
  await two.handle(lost);
  await two.handle(press('bob'));
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toMatchObject([{ command: 'clean up', principal: 'user:ann' }]);
  expect(startedBy(lab, 'ann')).toBe(true);
  expect(await grantsOf(lab)).toBe(0);
});

test('a remedy that is noted as run says so, though its process dies right then', async () => {
  const { lab, press } = await alerted();
  await diesAt(lab, press('ann'), (call, [name]) => call === 'putRecord' && kindOf(name).startsWith('chat.posts'));
  lab.clock.advance(2 * minute);
  (await lab.instance()).lead();
  await until(() => lab.ran.length === 1 && startedBy(lab, 'ann'));
});

test('a press whose process dies before it is noted runs no remedy, and another may', async () => {
  const { lab, press } = await alerted();
  await diesAt(lab, press('ann'), (call, [name]) => call === 'putRecord' && kindOf(name) === 'chat.notices');
  expect(await grantsOf(lab)).toBe(1);
  lab.clock.advance(2 * minute);
  const two = await lab.instance();
  await two.handle(press('bob'));
  two.lead();
  await until(() => lab.ran.length === 1);
  await expect.poll(() => grantsOf(lab), soon).toBe(0);
  expect(lab.ran).toMatchObject([{ principal: 'user:bob' }]);
});

test('a remedy that was asked for long ago is not run, nor for whom nobody knows any more, and that is said', async () => {
  const [old, unlinked] = [await alerted(), await alerted()];
  for (const { lab, press } of [old, unlinked]) await diesAt(lab, press('ann'), atSubmit);
  old.lab.clock.advance(90 * minute);
  unlinked.lab.clock.advance(2 * minute);
  await unlinked.lab.desk.forget({ tenant: 'acme', id: 'key:ops' }, 'discord:main:ann');
  for (const [{ lab }, words] of [
    [old, 'The remedy was asked for'],
    [unlinked, 'MOLT_CHAT_UNLINKED'],
  ] as const) {
    (await lab.instance()).lead();
    await until(() => lab.said().some(({ text }) => text.includes(words)));
    await expect.poll(() => grantsOf(lab), soon).toBe(0);
    expect(lab.ran).toEqual([]);
  }
});

test('a remedy that asks first asks once, whoever goes on with it', async () => {
  const { lab, press } = await alerted('risky.deploy', {});
  await diesAt(lab, press('ann'), (call, [name]) => call === 'putRecord' && kindOf(name) === 'chat.questions');
  lab.clock.advance(2 * minute);
  const two = await lab.instance();
  two.lead();
  await until(() => lab.said().length === 2);
  await expect.poll(() => grantsOf(lab), soon).toBe(0);
  const yes = lab.said()[1]?.message.versions[0]?.buttons?.[0]?.id ?? '';
  await two.handle(pressedBy('ann', yes));
  await until(() => lab.ran.length === 1);
});

test('a remedy that cannot be run is refused, and is not said to have been started', async () => {
  const { lab, press } = await alerted('shell.gone');
  const one = await lab.instance();
  one.lead();
  const answer = createFakeAnswer();
  await one.handle({ ...press('ann'), answer });
  expect(JSON.stringify(answer.whispers)).toContain('MOLT_UNKNOWN_ACTION');
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(startedBy(lab, 'ann')).toBe(false);
  expect(lab.said()[0]?.message.versions.at(-1)?.buttons).toHaveLength(1);
});
