import type { NotificationBatch, NotificationItem } from '@moltbot/plugin-sdk';
import { usualActions } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { chatNotifiers } from '../src/notifier.ts';
import {
  createFakeAnswer,
  createLogbook,
  nextId,
  openChatLab,
  place,
  pressedBy,
  saidBy,
  soon,
  textOf,
  until,
} from './chat-lab.ts';

const alias = {
  ...{ tenant: 'acme', name: 'sync', action: 'shell.run', on: 'web-1', args: { command: 'echo {1}' } },
  ...{ usage: '', summary: '' },
};

test('whom nobody knows runs nothing and learns nothing of what there is', async () => {
  const lab = await openChatLab({ aliases: [alias] });
  const one = await lab.instance();
  const secret = saidBy('ann', 'run on:web-1 -- echo x');
  await lab.link('ann');
  await one.handle(secret);
  await until(() => lab.ran.length === 1);
  const { taskId } = lab.ran[0] ?? { taskId: '' };
  const attachments = [{ id: 'f', name: 'f.sh', bytes: 3 }];
  const words = [
    'sync',
    'sync a b',
    'risky.deploy on:web-1',
    'risky.deplyo',
    'run on:web-1 -- id',
    'actions',
    'targets',
  ];
  const more = [
    'tasks',
    `show ${taskId}`,
    `cancel ${taskId}`,
    'help risky.deploy',
    'help',
    'help sync',
    'rnu',
    'whoami',
  ];
  for (const word of [...words, ...more]) {
    const answer = createFakeAnswer();
    await one.handle({ ...saidBy('eve', word, { answer }), kind: 'text', text: word, message: nextId(), attachments });
    expect(answer.whispers, word).toHaveLength(1);
    const said = JSON.stringify(answer.whispers);
    for (const known of ['risky', 'deploy', 'shell.run', 'web-1', taskId]) {
      // What they wrote themselves may be in the answer.
      if (!word.includes(known)) expect(said, word).not.toContain(known);
    }
  }
  for (const button of [
    `cancel:${taskId}`,
    `rerun:${taskId}`,
    `details:${taskId}`,
    'ack:x',
    `decide:${secret.id}:yes`,
  ]) {
    const answer = createFakeAnswer();
    await one.handle(pressedBy('eve', button, { answer }));
    expect(JSON.stringify(answer.whispers), button).toContain('MOLT_CHAT_UNLINKED');
  }
  for (const [verb, option] of [
    ['help', 'topic'],
    ['run', 'on'],
    ['show', 'task'],
    ['risky-deploy', 'version'],
  ] as const) {
    const actor = { id: 'eve', name: 'eve', roles: [] };
    const choices = await one.chat.complete({ tenant: 'acme', place, actor, verb, option, typed: '' });
    expect(JSON.stringify(choices)).not.toMatch(/risky|sync|web-1/);
  }
  expect(lab.platform.downloads).toBe(0);
  expect(lab.ran).toHaveLength(1);
});

test('a code links one account once, also after it was forgotten', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  const ops = { tenant: 'acme', id: 'key:ops' };
  const { code } = await lab.desk.makeCode(ops, 'ann');
  const first = saidBy('u1', `link ${code}`, { answer: createFakeAnswer() });
  const foreign = createFakeAnswer();
  await one.handle(saidBy('u0', `link ${code}`, { tenant: 'other', answer: foreign }));
  expect(JSON.stringify(foreign.whispers)).toContain('MOLT_CHAT_CODE');
  await Promise.all([one.handle(first), one.handle(first)]);
  const second = createFakeAnswer();
  await one.handle(saidBy('u2', `link ${code}`, { answer: second }));
  expect(JSON.stringify(second.whispers)).toContain('MOLT_CHAT_CODE');
  expect((await lab.desk.listPeople(ops, { limit: 10 })).people).toMatchObject([
    { id: 'discord:main:u1', linked: 'ann' },
  ]);
  await lab.desk.forget(ops, 'discord:main:u1');
  const again = createFakeAnswer();
  await one.handle(saidBy('u1', `link ${code}`, { answer: again }));
  expect(JSON.stringify(again.whispers)).toContain('MOLT_CHAT_CODE');
  expect((await lab.desk.listPeople(ops, { limit: 10 })).people).toEqual([]);
});

test('a code of several tries at once is one account’s', async () => {
  const lab = await openChatLab();
  const two = [await lab.instance(), await lab.instance()];
  const { code } = await lab.desk.makeCode({ tenant: 'acme', id: 'key:ops' }, 'ann');
  await Promise.all(
    ['u1', 'u2', 'u3', 'u4'].map((actor, index) =>
      two[index % 2]?.handle(saidBy(actor, `link ${code}`, { answer: createFakeAnswer(), place: { channel: actor } })),
    ),
  );
  const { people } = await lab.desk.listPeople({ tenant: 'acme', id: 'key:ops' }, { limit: 10 });
  expect(people.filter(({ linked }) => linked === 'ann')).toHaveLength(1);
});

test('a question is confirmed as whom it was asked, and an approval dies with the link of who asked', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await lab.link('bob');
  await one.handle(saidBy('ann', 'risky.deploy on:web-1'));
  await one.handle(saidBy('ann', 'risky.drop on:web-1'));
  await until(() => lab.said().length === 2);
  const [confirm = '', approve = ''] = lab.said().map(({ message }) => message.versions[0]?.buttons?.[0]?.id ?? '');
  const ops = { tenant: 'acme', id: 'key:ops' };
  await lab.desk.forget(ops, 'discord:main:ann');
  const answer = createFakeAnswer();
  await one.handle(pressedBy('bob', approve, { answer }));
  expect(JSON.stringify(answer.whispers)).toContain('MOLT_CHAT_UNLINKED');
  // Ann is somebody else now.
  const { code } = await lab.desk.makeCode(ops, 'guest');
  await one.handle(saidBy('ann', `link ${code}`, { answer: createFakeAnswer() }));
  await one.handle(pressedBy('ann', confirm, { answer: createFakeAnswer() }));
  await one.handle(pressedBy('ann', approve, { answer: createFakeAnswer() }));
  expect(lab.ran).toEqual([]);
});

test('nothing of one tenant is reached from another, whatever the button says', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await lab.link('mal', 'other');
  await one.handle(saidBy('ann', 'run on:web-1 -- hold'));
  await one.handle(saidBy('ann', 'risky.drop on:web-1'));
  await until(() => lab.said().length === 2 && lab.ran.length === 1);
  const approve = lab.said()[1]?.message.versions[0]?.buttons?.[0]?.id ?? '';
  const { taskId } = lab.ran[0] ?? { taskId: '' };
  const foreign = { tenant: 'other', place: { guild: 'g2', channel: 'c2' } } as const;
  const buttons = [
    `cancel:${taskId}`,
    `rerun:${taskId}`,
    `rerun-failed:${taskId}`,
    `details:${taskId}`,
    approve,
    'cancel:',
  ];
  for (const button of [...buttons, 'ack:n', 'silence:n', 'remedy:n:x', '', ':', 'decide::yes', 'cancel:%']) {
    const answer = createFakeAnswer();
    await one.handle(pressedBy('mal', button, { ...foreign, answer }));
    expect(answer.whispers, button).toHaveLength(1);
  }
  expect(await lab.store.getTask('acme', taskId)).toMatchObject({ cancelRequested: false });
  for (const text of [
    `show ${taskId}`,
    `output ${taskId}`,
    `cancel ${taskId.slice(0, 8)}`,
    `rerun ${taskId}`,
    'tasks',
  ]) {
    const answer = createFakeAnswer();
    await one.handle(saidBy('mal', text, { ...foreign, answer }));
    expect(answer.whispers, text).toHaveLength(1);
    expect(JSON.stringify(answer.whispers), text).not.toMatch(/hold|user:ann/);
  }
  expect(lab.ran).toHaveLength(1);
  lab.release();
  await until(async () => (await lab.openPosts()) === 1);
});

test('an empty id is no task, though there is one alone', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- hold'));
  await until(() => lab.ran.length === 1);
  await one.handle(pressedBy('ann', 'cancel:', { answer: createFakeAnswer() }));
  expect(await lab.store.getTask('acme', lab.ran[0]?.taskId ?? '')).toMatchObject({ cancelRequested: false });
});

test('what people type is in no log, whatever becomes of it', async () => {
  const { log, text } = createLogbook();
  const lab = await openChatLab({ log });
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  const { code } = await lab.desk.makeCode({ tenant: 'acme', id: 'key:ops' }, 'bob');
  const typed = ['hunter2', code, code.toUpperCase()];
  for (const words of typed) {
    for (const form of [
      'X',
      'lnik X',
      'link X X',
      'risky.deploy on:web-1 pass=X',
      'show X',
      'run on:X -- id',
      'language X',
    ]) {
      await one.handle(saidBy('ann', form.replaceAll('X', words)));
    }
    await one.handle(saidBy('ann', `run on:web-1 -- echo ${words}`));
    await one.handle(saidBy('eve', `link ${words}x`));
    await one.handle(pressedBy('ann', `cancel:${words}`));
  }
  await one.handle(saidBy('u9', `link ${code}`));
  await until(async () => (await lab.openPosts()) === 0);
  expect(text()).toContain('was linked');
  for (const words of typed) expect(text()).not.toContain(words);
});

test('one record that cannot be read hides no other', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await lab.link('zoe');
  await lab.store.putRecord({ tenant: 'acme', kind: 'chat.people', id: 'discord:main:bad' }, '{"name":7');
  const { people } = await lab.desk.listPeople({ tenant: 'acme', id: 'key:ops' }, { limit: 10 });
  expect(people.map(({ id }) => id)).toEqual(['discord:main:ann', 'discord:main:zoe']);
  const answer = createFakeAnswer();
  await one.handle(saidBy('bad', 'whoami', { answer }));
  expect(answer.whispers).toHaveLength(1);
});

test('a notification in two channels is one in each: its buttons change the one they are on, in its language', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  const [discord] = chatNotifiers({ store: lab.store, clock: lab.clock, log: createLogbook().log });
  const itemOf = (id: string): NotificationItem => ({
    notification: {
      ...{ id, tenant: 'acme', at: lab.clock.now(), severity: 'critical', title: `Disk ${id}`, labels: {}, key: id },
      actions: usualActions,
    },
    repeats: 0,
  });
  const batchOf = (id: string, items: readonly NotificationItem[]): NotificationBatch => ({
    ...{ id, channel: id, tenant: 'acme', at: 1, kind: 'now', severity: 'critical', items },
  });
  const context = { signal: AbortSignal.timeout(10_000), log: createLogbook().log };
  const english = discord?.create({ bot: 'main', channel: 'c1', language: 'en' });
  const chinese = discord?.create({ bot: 'main', channel: 'c2', language: 'zh-CN' });
  for (const _try of ['first', 'again']) {
    await english?.send(batchOf('b-1', [itemOf('n-1')]), context);
    await chinese?.send(batchOf('b-2', [itemOf('n-1'), itemOf('n-2')]), context);
    await expect.poll(lab.openPosts, soon).toBe(0);
  }
  const [first, second] = lab.said();
  const now = (message = first) => message?.message.versions.at(-1);
  await one.handle(pressedBy('ann', 'ack:n-1', { message: first?.id ?? '', place: { guild: 'g1', channel: 'c1' } }));
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(textOf(now())).toContain('Acknowledged by ann');
  expect(now()?.table).toBeUndefined();
  expect(now(second)?.buttons).toHaveLength(4);
  await one.handle(
    pressedBy('ann', 'silence:n-2', { message: second?.id ?? '', place: { guild: 'g1', channel: 'c2' } }),
  );
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(now(second)?.buttons).toHaveLength(2);
  expect(textOf(now(second))).toMatch(/\p{Script=Han}/u);
  expect(textOf(now(second))).not.toContain('Silenced');
  expect(lab.said()).toHaveLength(2);
});
