import { publishReply } from '@moltbot/intake';
import { hasCode, MoltError, systemClock, type Task } from '@moltbot/shared';
import { expect, test } from 'vitest';
import type { Incoming } from '../src/incoming.ts';
import {
  createFakeAnswer,
  diesUnnoted,
  nextId,
  openChatLab,
  place,
  pressedBy,
  saidBy,
  soon,
  until,
} from './chat-lab.ts';

const minute = 60_000;

test('a command of somebody who is linked is run, and its answer stands in its channel', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  const { code } = await lab.desk.makeCode({ tenant: 'acme', id: 'key:ops' }, 'ann');
  await one.handle(saidBy('u1', `link ${code}`));
  await until(() => lab.said().length === 1);
  await one.handle(saidBy('u1', 'run on:web-1 -- echo hello'));
  await expect.poll(() => lab.said()[1]?.text, soon).toContain('hello');
  expect(lab.ran).toMatchObject([{ command: 'echo hello', principal: 'user:ann' }]);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.said()).toHaveLength(2);
});

test('what is refused says why, and nothing of it runs', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:nobody -- echo x'));
  await until(() => lab.said()[0]?.text.includes('MOLT_NO_TARGETS'));
  lab.setBus('blocked');
  await one.handle(saidBy('ann', 'run on:web-1 -- echo x'));
  await until(() => lab.said()[1]?.text.includes('MOLT_BUS_FULL'));
  lab.setBus('ready');
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toEqual([]);
  expect(lab.said()).toHaveLength(2);
});

test('a task that runs is cancelled, and run again where it failed, by buttons', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-* -- exit 1'));
  await expect.poll(lab.openPosts, soon).toBe(0);
  const taskId = lab.ran[0]?.taskId ?? '';
  const press = pressedBy('ann', `rerun-failed:${taskId}`, { message: 'm1' });
  await one.handle(press);
  await one.handle(press);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toHaveLength(4);
  expect(lab.said()).toHaveLength(2);
  expect(lab.said()[1]?.message.replyTo).toBe('m1');
  await one.handle(saidBy('ann', 'run on:web-1 -- hold'));
  await until(() => lab.ran.length === 5);
  const answer = createFakeAnswer();
  await one.handle(pressedBy('ann', `cancel:${lab.ran[4]?.taskId}`, { answer }));
  expect(answer.whispers).toHaveLength(1);
  lab.release();
  await expect.poll(lab.openPosts, soon).toBe(0);
});

test('a rerun of what asks first asks first', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  for (const actor of ['ann', 'bob']) await lab.link(actor);
  await one.handle(saidBy('ann', 'risky.drop on:web-1'));
  await until(async () => (await lab.openPosts()) === 1 && lab.said().length === 1);
  const question = lab.said()[0]?.message.versions[0]?.buttons?.[0]?.id ?? '';
  await one.handle(pressedBy('bob', question));
  await until(() => lab.ran.length === 1);
  await expect.poll(lab.openPosts, soon).toBe(0);
  await one.handle(pressedBy('ann', `rerun:${lab.ran[0]?.taskId}`));
  await until(() => lab.said().length === 3);
  expect(lab.said()[2]?.message.versions.at(-1)?.buttons?.[0]?.id).toContain('decide:');
  expect(lab.ran).toHaveLength(1);
});

test('a rerun that comes late asks first', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- echo x'));
  await expect.poll(lab.openPosts, soon).toBe(0);
  await one.handle(pressedBy('ann', `rerun:${lab.ran[0]?.taskId}`, { at: Date.now() - 40 * minute }));
  await until(() => lab.said().length === 2);
  expect(lab.said()[1]?.message.versions.at(-1)?.buttons?.[0]?.id).toContain('decide:');
  expect(lab.ran).toHaveLength(1);
});

test('a command that comes late is asked about; said again by the platform after it ran, it is not', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- echo late', { at: Date.now() - 40 * minute }));
  one.lead();
  await until(() => lab.said().length === 1);
  const yes = lab.said()[0]?.message.versions[0]?.buttons?.[0]?.id ?? '';
  expect(lab.ran).toEqual([]);
  await one.handle(pressedBy('ann', yes));
  await until(() => lab.ran.length === 1);
  await expect.poll(lab.openPosts, soon).toBe(0);

  const command = saidBy('ann', 'run on:web-1 -- echo soon');
  await diesUnnoted(lab, command);
  lab.clock.advance(40 * minute);
  await one.handle(command);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toHaveLength(2);
  expect(lab.said().filter(({ text }) => text.includes('soon'))).toHaveLength(1);
  expect(lab.said()).toHaveLength(3);
});

test('a decided question runs its command once, however often its button is pressed', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  for (const actor of ['ann', 'bob']) await lab.link(actor);
  await one.handle(saidBy('ann', 'risky.deploy on:web-1'));
  await until(() => lab.said().length === 1);
  const yes = lab.said()[0]?.message.versions[0]?.buttons?.[0]?.id ?? '';
  const answer = createFakeAnswer();
  await one.handle(pressedBy('bob', yes, { answer }));
  expect(answer.whispers).toHaveLength(1);
  await Promise.all([yes, yes, yes.replace(/yes$/, 'no')].map((button) => one.handle(pressedBy('ann', button))));
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran.length).toBeLessThanOrEqual(1);
  // Long after, when the store has forgotten what was run.
  const before = lab.ran.length;
  lab.clock.advance(24 * 60 * minute);
  const late = createFakeAnswer();
  await one.handle(pressedBy('ann', yes, { answer: late, at: lab.clock.now() }));
  expect(late.whispers).toHaveLength(1);
  expect(lab.ran).toHaveLength(before);
});

test('what is whispered is whispered once, though the store is down when that is to be noted', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  await lab.link('ann');
  const answer = createFakeAnswer();
  const whisper = answer.whisper.bind(answer);
  const help = saidBy('ann', 'help', {
    answer: {
      ...answer,
      async whisper(message) {
        await whisper(message);
        lab.setStore('before');
      },
    },
  });
  await expect(one.handle(help)).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  lab.setStore('up');
  await one.handle(help);
  expect(answer.whispers).toHaveLength(1);
});

test('what may not be whispered is said in the channel', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(
    saidBy('ann', 'whoami', {
      answer: {
        ...createFakeAnswer(),
        whisper: async () => {
          throw new MoltError('MOLT_CHAT_REFUSED', 'no');
        },
      },
    }),
  );
  await until(() => lab.said()[0]?.text.includes('Who you are') ?? lab.said().length === 1);
});

test('a command said again is not refused as too much: it is what it was', async () => {
  const lab = await openChatLab({ requests: { perSecond: 0.001, burst: 1 } });
  const one = await lab.instance();
  await lab.link('ann');
  const command = saidBy('ann', 'run on:web-1 -- echo once');
  await diesUnnoted(lab, command);
  one.lead();
  await one.handle(command);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.said()).toHaveLength(1);
  expect(lab.said()[0]?.text).toContain('once');
});

test('a command that was refused as too much stays refused, though the store was down when that was to be said', async () => {
  const lab = await openChatLab({ requests: { perSecond: 0.01, burst: 1 } });
  const one = await lab.instance();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- echo first'));
  const command = saidBy('ann', 'run on:web-1 -- echo second');
  lab.onStore = (call, [name]) => {
    if (call !== 'putRecord' || (name as { id: string }).id !== `answer-${command.id}`) return undefined;
    return () => {
      lab.onStore = () => {};
      throw new MoltError('MOLT_STORE_DOWN', 'it is noted, and not said');
    };
  };
  await expect(one.handle(command)).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
  lab.clock.advance(200_000);
  await one.handle(command);
  one.lead();
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran.map(({ command: text }) => text)).toEqual(['echo first']);
  expect(lab.said()).toHaveLength(2);
});

test('a decision whose process died before it ran is run by whoever gets it again, though that is too much at once', async () => {
  const lab = await openChatLab({ requests: { perSecond: 0.001, burst: 2 } });
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'risky.deploy on:web-1'));
  await until(() => lab.said().length === 1);
  const press = pressedBy('ann', lab.said()[0]?.message.versions[0]?.buttons?.[0]?.id ?? '');
  const two = await lab.instance();
  lab.setBus('connecting');
  void two.handle(press).catch(() => {});
  await until(() => lab.said()[0]?.text.includes('Run by'));
  two.kill();
  lab.setBus('ready');
  await one.handle(press);
  await until(() => lab.ran.length === 1);
});

test('a process that stops while the bus is down leaves the command to another', async () => {
  const lab = await openChatLab();
  const [one, two] = [await lab.instance(), await lab.instance()];
  await lab.link('ann');
  lab.setBus('connecting');
  const command = saidBy('ann', 'run on:web-1 -- echo once');
  const handled = one.handle(command).then(
    () => 'handled',
    (error: unknown) => (hasCode(error, 'MOLT_BUS_DOWN') ? 'left' : 'failed'),
  );
  await systemClock.sleep(100);
  await one.chat.quiesce(AbortSignal.timeout(5_000));
  expect(await handled).toBe('left');
  expect(await lab.openPosts()).toBe(0);
  lab.setBus('ready');
  two.lead();
  await two.handle(command);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toHaveLength(1);
  expect(lab.said()).toHaveLength(1);
});

test('a file that never comes is waited for for a while, and then the command is refused', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  lab.platform.download = async () => {
    throw new MoltError('MOLT_CHAT_DOWN', 'no file yet');
  };
  const attachments = [{ id: 'f', name: 'f.sh', bytes: 3 }];
  const command: Incoming = {
    ...saidBy('ann', ''),
    ...{ kind: 'text', text: 'run on:web-1', message: 'asked', attachments },
  };
  await expect(one.handle(command)).rejects.toMatchObject({ code: 'MOLT_CHAT_DOWN' });
  lab.clock.advance(11 * minute);
  await one.handle(command);
  await until(() => lab.said()[0]?.text.includes('MOLT_CHAT_DOWN'));
  expect(lab.ran).toEqual([]);
});

test('a command is run once, though who asks becomes another between two deliveries', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  const operator = { id: 'u1', name: 'u1', roles: ['operators'] };
  const command = saidBy('u1', 'run on:web-1 -- echo once', { actor: operator });
  await diesUnnoted(lab, command);
  await lab.link('u1');
  await one.handle(command);
  await expect.poll(lab.openPosts, soon).toBe(0);
  expect(lab.ran).toHaveLength(1);
  expect(lab.said()).toHaveLength(1);
});

test('the end of a task is shown though the store was emptied while it ran', async () => {
  const lab = await openChatLab();
  const one = await lab.instance();
  one.lead();
  await lab.link('ann');
  await one.handle(saidBy('ann', 'run on:web-1 -- hold'));
  await until(() => lab.ran.length === 1 && lab.said().length === 1);
  await lab.emptyStore();
  // As the executor has it: its reply is on the bus, whatever the store knows.
  const task: Task = {
    id: lab.ran[0]?.taskId ?? '',
    ...{ action: 'shell.run', args: { command: 'hold' }, on: 'web-1', priority: 'interactive', class: 'guarded' },
    limits: { connectMs: 1, idleMs: 0, totalMs: 1, queueMs: 0, deadlineMs: 0, outputBytes: 1 },
    ...{ retries: 0, principal: { tenant: 'acme', id: 'user:ann' }, acceptedAt: Date.now(), trace: 't', runs: 1 },
    origin: {
      ...{ kind: 'chat', platform: 'discord', account: 'main', place, event: nextId(), actor: 'ann', language: 'en' },
    },
  };
  await publishReply(lab.bus, {
    task,
    state: 'succeeded',
    counts: { succeeded: 1 },
    cancelRequested: false,
    finishedAt: Date.now(),
  });
  await until(
    () => lab.said()[0]?.text.includes('succeeded') || lab.said()[0]?.message.versions.at(-1)?.tone === 'success',
  );
  expect(lab.said()).toHaveLength(1);
  await expect.poll(lab.openPosts, soon).toBe(0);
});
