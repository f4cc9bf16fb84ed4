import { expect, test } from 'vitest';
import { createFakeAnswer, diesUnnoted, pressedBy, saidBy, until } from './chat-lab.ts';
import { type Desk, lead, openDesk, ops, specOf } from './schedules-lab.ts';

const taskId = '0198c3a1-7b2f-7c3d-9e4f-5a6b7c8d9e0f';
const manual = async ({ api }: Desk): Promise<number> =>
  (await api.occurrences(ops, 'nightly', { limit: 10 })).occurrences.filter(({ kind }) => kind === 'manual').length;

/** A desk with a schedule whose action wants the yes of another; ann has asked for it, and the button says yes. */
async function askedToFire(): Promise<{
  readonly desk: Desk;
  readonly yes: string;
  readonly endLead: () => Promise<void>;
}> {
  const desk = await openDesk();
  const { lab, one, api } = desk;
  await lab.link('bob');
  await api.put(ops, 'nightly', specOf({ task: { action: 'risky.drop', on: 'web-1' } }));
  lead(desk, taskId);
  const endLead = one.lead();
  await one.handle(saidBy('ann', 'fire nightly'));
  await until(() => lab.said().length === 1);
  expect(await manual(desk)).toBe(0);
  const [yes] = lab.said()[0]?.message.versions[0]?.buttons ?? [];
  return { desk, endLead, yes: yes?.id ?? '' };
}

test('a schedule whose action wants the yes of another is run once another has said it, once', async () => {
  const { desk, yes } = await askedToFire();
  const { lab, one } = desk;
  await one.handle(pressedBy('ann', yes, { answer: createFakeAnswer() }));
  expect(await manual(desk)).toBe(0);
  const press = pressedBy('bob', yes);
  await diesUnnoted(lab, press);
  await one.handle(press);
  await until(() => lab.said().some(({ text }) => text.includes(taskId)));
  expect(await manual(desk)).toBe(1);
});

test('what was approved is what is run: a schedule that was changed since is refused', async () => {
  const { desk, yes } = await askedToFire();
  await desk.api.put(ops, 'nightly', specOf({ task: { action: 'risky.drop', on: 'web-*' } }));
  const answer = createFakeAnswer();
  await desk.one.handle(pressedBy('bob', yes, { answer }));
  expect(JSON.stringify(answer.whispers)).toContain('was changed after it was asked about');
  expect(await manual(desk)).toBe(0);
});

test('a schedule that was approved by a press that is lost with its process is run by whoever leads next', async () => {
  const { desk, yes, endLead } = await askedToFire();
  const { lab } = desk;
  await endLead();
  const two = await lab.instance();
  const dead = Promise.withResolvers<void>();
  lab.onStore = (call) => {
    if (call !== 'getOccurrence') return undefined;
    lab.onStore = () => {};
    two.kill();
    dead.resolve();
    return new Promise(() => {});
  };
  void two.handle(pressedBy('bob', yes));
  await dead.promise;
  expect(await manual(desk)).toBe(0);
  lab.clock.advance(120_000);
  (await lab.instance()).lead();
  await until(() => lab.said().some(({ text }) => text.includes(taskId)));
  expect(await manual(desk)).toBe(1);
});

test('what was filled in at the very millisecond is not taken for the wish', async () => {
  const desk = await openDesk();
  const { lab, one, api } = desk;
  await api.put(ops, 'nightly', specOf());
  lead(desk, taskId);
  const fire = saidBy('ann', 'fire nightly', { at: Date.now() - 1_000 });
  await lab.store.reopenOccurrence('acme', 'nightly', fire.at);
  await one.handle(fire);
  expect(await manual(desk)).toBe(1);
});
