import { MoltError } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { type ChatLab, createFakeAnswer, openChatLab, place, pressedBy, saidBy, soon } from './chat-lab.ts';

const minute = 60_000;
const ops = { tenant: 'acme', id: 'key:ops' };
const shown = async (lab: ChatLab): Promise<number> => {
  await expect.poll(lab.openPosts, soon).toBe(0);
  return lab.said().length;
};

test('a stranger is told how to become known a few times, then once in ten minutes', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  for (let n = 0; n < 30; n += 1) await one.handle(saidBy('eve', n % 2 === 0 ? 'help' : `run on:web-1 -- id ${n}`));
  await one.handle(pressedBy('eve', 'cancel:x'));
  expect(await shown(lab)).toBe(5);
  lab.clock.advance(11 * minute);
  for (let n = 0; n < 5; n += 1) await one.handle(saidBy('eve', 'help'));
  expect(await shown(lab)).toBe(6);
});

test('many strangers get no more of a channel than one part of it, and another channel has its own', async () => {
  const lab = await openChatLab();
  const [one, two] = [await lab.instance(), await lab.instance()];
  one.lead();
  for (let n = 0; n < 60; n += 1) await (n % 2 === 0 ? one : two).handle(saidBy(`u${n}`, 'help'));
  expect(await shown(lab)).toBe(20);
  await lab.link('ann');
  await one.handle(saidBy('ann', 'whoami'));
  expect(await shown(lab)).toBe(21);
  await one.handle(saidBy('zed', 'help', { place: { ...place, channel: 'c2' } }));
  expect(await shown(lab)).toBe(22);
});

test('a code makes somebody known who was told enough; wrong ones are answered no more then', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  for (let n = 0; n < 8; n += 1) await one.handle(saidBy('eve', 'help'));
  await one.handle(saidBy('eve', 'link wrongwrong'));
  expect(await shown(lab)).toBe(5);
  const { code } = await lab.desk.makeCode(ops, 'eve');
  await one.handle(saidBy('eve', `link ${code}`));
  expect(await shown(lab)).toBe(6);
  expect(lab.said()[5]?.text).toContain('eve');
  await one.handle(saidBy('eve', 'run on:web-1 -- echo hello'));
  expect(await shown(lab)).toBe(7);
  expect(lab.ran).toHaveLength(1);
});

test('what only the stranger sees is said always, and never in the channel instead', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  for (let n = 0; n < 6; n += 1) await one.handle(saidBy('eve', 'help'));
  const answer = createFakeAnswer();
  await one.handle(pressedBy('eve', 'cancel:x', { answer }));
  expect(JSON.stringify(answer.whispers)).toContain('MOLT_CHAT_UNLINKED');
  const whisper = async (): Promise<never> => {
    throw new MoltError('MOLT_CHAT_GONE', 'too late');
  };
  await one.handle(pressedBy('eve', 'cancel:x', { answer: { ...answer, whisper } }));
  expect(await shown(lab)).toBe(5);
});

test('an event that is given again after a crash comes to the same, and is counted as what it was', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  for (let n = 0; n < 4; n += 1) await one.handle(saidBy('eve', 'help'));
  // Nothing more is written of those.
  expect(await shown(lab)).toBe(4);
  const fifth = saidBy('eve', 'help');
  lab.onStore = (call, [name]) => {
    if (call === 'putRecord' && (name as { kind: string }).kind.startsWith('chat.posts')) lab.setStore('before');
  };
  await expect(one.handle(fifth)).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  lab.onStore = () => {};
  lab.setStore('up');
  for (let n = 0; n < 3; n += 1) await one.handle(saidBy('eve', 'help'));
  await one.handle(fifth);
  expect(await shown(lab)).toBe(5);
  expect(await one.registry.getSingleMetricAsString('moltbot_chat_events_total')).toMatch(/outcome="muted"[^\n]* 3\n?/);
});
