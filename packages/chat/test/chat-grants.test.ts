import { expect, test } from 'vitest';
import type { Incoming } from '../src/incoming.ts';
import { type ChatLab, createFakeAnswer, openChatLab, pressedBy, saidBy, soon, until } from './chat-lab.ts';

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
