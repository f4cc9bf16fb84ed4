import { expect, test } from 'vitest';
import type { ChatMessage } from '../src/message.ts';
import { whenWords } from '../src/render/when-words.ts';
import { texts } from '../src/texts/texts.ts';
import { createFakeAnswer, createLogbook, diesUnnoted, place, pressedBy, saidBy, until } from './chat-lab.ts';
import { lead, openDesk, ops, specOf } from './schedules-lab.ts';

const labels = ({ buttons = [] }: ChatMessage): readonly string[] => buttons.map(({ label }) => label);
const wordsOf = (message: ChatMessage): string => JSON.stringify(message);

test('schedules are listed with when they run and how they stand, and are found by their words', async () => {
  const { api, ask } = await openDesk();
  await api.put(ops, 'nightly', specOf());
  await api.put(ops, 'disk-watch', specOf({ when: '*/5 * * * *', description: 'Looks after DISKS' }));
  await api.put(ops, 'off', specOf({ enabled: false }));
  await api.put({ tenant: 'other', id: 'key:theirs' }, 'theirs', specOf());
  await api.pause(ops, 'nightly');
  const { title, table } = await ask('schedules');
  expect(title).toBe('3 schedules');
  expect(table?.rows).toEqual([
    ['disk-watch', 'every 5 min', expect.stringMatching(/^\d\d-\d\d \d\d:\d[05] CES?T$/), 'on'],
    ['nightly', 'daily 02:00', '–', 'paused'],
    ['off', 'daily 02:00', '–', 'off'],
  ]);
  const found = await ask('schedules web-1 disks');
  expect(found.title).toBe('1 schedule with web-1 disks');
  expect(found.table?.rows.map(([id]) => id)).toEqual(['disk-watch']);
  expect((await ask('schedules theirs')).text).toEqual(['Nothing to show.']);
});

test('the table holds a page, and says how many more there are', async () => {
  const { api, ask } = await openDesk();
  for (let n = 100; n < 130; n += 1) await api.put(ops, `job-${n}`, specOf());
  const { title, table, text } = await ask('schedules');
  expect([title, table?.rows.length]).toEqual(['30 schedules', 12]);
  expect(text).toContain('18 more.');
});

test('a schedule is shown with its next instants in its zone and in UTC, and what became of the last ones', async () => {
  const { lab, api, ask } = await openDesk();
  // At noon: that comes once on every day, those on which clocks are changed too.
  const { record } = await api.put(ops, 'nightly', specOf({ when: '0 12 * * *', pauseAfter: 3, owner: 'dba' }));
  const at = Date.UTC(2026, 0, 5, 11);
  const occurrence = (day: number) =>
    ({ at: at + day * 86_400_000, due: at + day * 86_400_000, kind: 'planned' }) as const;
  await lab.store.decideOccurrences({
    ...{ tenant: 'acme', scheduleId: 'nightly', revision: record.revision, epoch: 0 },
    occurrences: [
      { ...occurrence(0), state: 'missed', reason: 'refused', note: 'MOLT_NO_TARGETS: none' },
      { ...occurrence(1), state: 'skipped', reason: 'overlap' },
      { ...occurrence(2), state: 'fired', taskId: '0198c3a1-7b2f-7c3d-9e4f-5a6b7c8d9e0f' },
    ],
  });
  const shown = await ask('schedule nightly');
  const field = (name: string): string => shown.fields?.find((each) => each.name === name)?.value ?? '';
  expect(field('Runs')).toBe('shell.run → web-1');
  expect(field('When')).toBe('daily 12:00 · 0 12 * * *');
  expect(field('Time zone')).toBe('Europe/Berlin');
  expect(field('Next').split('\n')).toHaveLength(3);
  for (const line of field('Next').split('\n'))
    expect(line).toMatch(/^\d{4}-\d\d-\d\d 12:00:00 CES?T \(\d{4}-\d\d-\d\d 1[01]:00:00 UTC\)$/);
  for (const policy of ['misfire: run-once', 'overlap: allow', 'dst: run-once', 'pauseAfter: 3'])
    expect(field('Policies')).toContain(policy);
  expect([field('Made by'), field('Owner')]).toEqual(['key:ops', 'dba']);
  expect(shown.code?.[0]?.text).toBe('echo backup');
  expect(shown.table?.rows).toEqual([
    [expect.stringContaining('01-07 12:00 CET'), 'fired', '0198c3a1-7b2f'],
    [expect.stringContaining('01-06 12:00 CET'), 'skipped', 'an earlier task had not ended'],
    [expect.stringContaining('01-05 12:00 CET'), 'missed', 'its task was refused: MOLT_NO_TARGETS: none'],
  ]);
  expect(shown.buttons).toMatchObject([{ id: 'fire:nightly' }, { id: 'pause:nightly' }]);
});

test.each([
  ['every 90s', 'every 1 min 30 s', '每 1 分 30 秒'],
  ['*/15 * * * *', 'every 15 min', '每 15 分钟'],
  ['7/20 * * * *', '7/20 * * * *', '7/20 * * * *'],
  ['@hourly', 'hourly at :00', '每小时的第 00 分'],
  ['5 9 * * mon-fri', 'Mon-Fri 09:05', '周一至周五 09:05'],
  ['0 9 * * 7', 'Sundays 09:00', '每周日 09:00'],
  ['0 9 15 * *', 'monthly, day 15, 09:00', '每月 15 日 09:00'],
  ['0 9 15 * 1', '0 9 15 * 1', '0 9 15 * 1'],
  ['0 0 12 * * *', '0 0 12 * * *', '0 0 12 * * *'],
  ['@yearly', 'yearly, 1 January 00:00', '每年 1 月 1 日 00:00'],
  ['at 2026-12-01T09:00', 'once, 2026-12-01 09:00', '一次，2026-12-01 09:00'],
])('%s in words', (when, en, zh) => {
  expect([whenWords(when, texts('en')), whenWords(when, texts('zh-CN'))]).toEqual([en, zh]);
});

test('Chinese is spoken to whom speaks it', async () => {
  const { api, ask } = await openDesk();
  await api.put(ops, 'nightly', specOf());
  const locale = 'zh-CN';
  expect((await ask('计划', { locale })).table?.rows[0]?.[1]).toBe('每天 02:00');
  const shown = await ask('查看计划 nightly', { locale });
  expect([shown.title, ...labels(shown)]).toEqual(['定时计划 nightly', '立即运行', '暂停']);
  expect((await ask('暂停 nightly', { locale })).text).toEqual(['nightly 已暂停：恢复之前不会自动运行。']);
  expect(wordsOf(await ask('触发 nihgtly', { locale }))).toContain('是不是想写 nightly？');
});

test('who pauses and resumes is on record and in the log, also of what a configuration declares', async () => {
  const { log, text } = createLogbook();
  const { lab, ask, press } = await openDesk({ log });
  const spec = specOf();
  await lab.store.putSchedule({ tenant: 'acme', id: 'declared', spec, source: 'config', by: 'config', plan: 'x' });
  const paused = await ask('pause declared');
  expect(paused.text?.[0]).toContain('declared is paused');
  expect(labels(paused)).toEqual(['Run now', 'Resume']);
  expect((await lab.store.getSchedule('acme', 'declared'))?.paused).toMatchObject({ why: 'operator', by: 'user:ann' });
  expect((await ask('pause declared')).text).toEqual(['declared was paused already.']);
  expect((await ask('schedule declared')).fields).toContainEqual({ name: 'Made by', value: 'the configuration' });
  expect((await press('resume:declared')).text).toEqual(['declared is resumed.']);
  expect((await lab.store.getSchedule('acme', 'declared'))?.paused).toBeUndefined();
  expect(text()).toMatch(/"principal":"user:ann".*a schedule is paused/);
  expect(text()).toMatch(/"principal":"user:ann".*a schedule is resumed/);
});

test('a schedule is run once a message, however often it comes and wherever it is handled', async () => {
  const desk = await openDesk();
  const { lab, one, api } = desk;
  await api.put(ops, 'nightly', specOf());
  await one.handle(saidBy('ann', 'run on:web-1 -- echo backup'));
  await until(() => lab.ran.length === 1);
  const taskId = lab.ran[0]?.taskId ?? '';
  lead(desk, taskId);
  one.lead();
  const fire = saidBy('ann', 'fire nightly');
  await diesUnnoted(lab, fire);
  await Promise.all([one.handle(fire), one.handle(fire)]);
  const { occurrences } = await api.occurrences(ops, 'nightly', { limit: 10 });
  expect(occurrences).toMatchObject([{ kind: 'manual', at: fire.at, state: 'fired', taskId }]);
  // The answer follows the task.
  await until(() => lab.said().some(({ message, text }) => message.replyTo === fire.id && text.includes(taskId)));
  await one.handle(saidBy('ann', 'fire nightly', { at: fire.at + 1 }));
  expect((await api.occurrences(ops, 'nightly', { limit: 10 })).occurrences).toHaveLength(2);
});

test('a press of the button runs it as well, and a planned instant of the same millisecond is not taken for it', async () => {
  const desk = await openDesk();
  const { lab, one, api } = desk;
  const { record } = await api.put(ops, 'nightly', specOf());
  lead(desk, '0198c3a1-7b2f-7c3d-9e4f-5a6b7c8d9e0f');
  await one.handle(pressedBy('ann', 'fire:nightly'));
  expect((await api.occurrences(ops, 'nightly', { limit: 10 })).occurrences).toMatchObject([{ kind: 'manual' }]);
  const fire = saidBy('ann', 'fire nightly', { at: Date.now() - 1_000 });
  const { revision } = (await lab.store.getSchedule('acme', 'nightly')) ?? record;
  const planned = { at: fire.at, due: fire.at, kind: 'planned', state: 'skipped', reason: 'overlap' } as const;
  await lab.store.decideOccurrences({
    ...{ tenant: 'acme', scheduleId: 'nightly', revision, epoch: 0, occurrences: [planned] },
  });
  await one.handle(fire);
  const { occurrences } = await api.occurrences(ops, 'nightly', { limit: 10, since: fire.at, until: fire.at + 2 });
  expect(occurrences).toMatchObject([
    { kind: 'manual', at: fire.at + 1 },
    { kind: 'planned', at: fire.at },
  ]);
});

test('what arrives long after it was sent is asked about, and run by the button', async () => {
  const { api, ask } = await openDesk({ staleAfterMs: 60_000 });
  await api.put(ops, 'nightly', specOf());
  const asked = await ask('fire nightly', { at: Date.now() - 2_400_000 });
  expect(asked.text?.[0]).toBe('Sent 40 min ago: run it now?');
  expect(asked.buttons).toMatchObject([{ id: 'fire:nightly', label: 'Run now' }]);
  expect((await api.occurrences(ops, 'nightly', { limit: 10 })).occurrences).toEqual([]);
});

test('a slip is answered with the schedule that was meant; those of others are not seen', async () => {
  const { lab, one, api, ask } = await openDesk();
  await api.put(ops, 'disk-watch', specOf());
  await api.put({ tenant: 'other', id: 'key:theirs' }, 'secret-job', specOf());
  for (const verb of ['schedule', 'pause', 'resume', 'fire']) {
    const slip = await ask(`${verb} disk-wacth`);
    expect(slip.text?.[0]).toBe('there is no schedule "disk-wacth"; did you mean disk-watch?');
    expect(slip.footer).toBe('MOLT_NOT_FOUND');
    expect((await ask(`${verb} Disk-Watch`)).text?.[0]).toContain('did you mean disk-watch?');
    expect((await ask(`${verb} secret-job`)).text?.[0]).toBe('there is no schedule "secret-job"');
    expect((await ask(`${verb} secret-jbo`)).text?.[0]).toBe('there is no schedule "secret-jbo"');
  }
  expect((await lab.store.getSchedule('other', 'secret-job'))?.paused).toBeUndefined();
  expect((await api.occurrences({ tenant: 'other', id: 'x' }, 'secret-job', { limit: 1 })).occurrences).toEqual([]);
  const typing = { tenant: 'acme', place, verb: 'fire', option: 'schedule', typed: '' } as const;
  const actorOf = (id: string) => ({ actor: { id, name: id, roles: [] } });
  expect(await one.chat.complete({ ...typing, ...actorOf('ann') })).toEqual([
    { label: 'disk-watch · daily 02:00 · echo backup', value: 'disk-watch' },
  ]);
  expect(await one.chat.complete({ ...typing, ...actorOf('eve') })).toEqual([]);
});

test('whom nobody knows sees, pauses and runs no schedule', async () => {
  const { lab, one, api } = await openDesk();
  await api.put(ops, 'nightly', specOf());
  for (const verb of ['schedules', 'schedule nightly', 'pause nightly', 'resume nightly', 'fire nightly', 'fire x']) {
    const answer = createFakeAnswer();
    await one.handle(saidBy('eve', verb, { answer }));
    expect(JSON.stringify(answer.whispers), verb).toContain('MOLT_CHAT_UNLINKED');
  }
  for (const button of ['fire:nightly', 'pause:nightly']) {
    const answer = createFakeAnswer();
    await one.handle(pressedBy('eve', button, { answer }));
    expect(JSON.stringify(answer.whispers), button).toContain('MOLT_CHAT_UNLINKED');
  }
  expect((await lab.store.getSchedule('acme', 'nightly'))?.paused).toBeUndefined();
  expect((await api.occurrences(ops, 'nightly', { limit: 10 })).occurrences).toEqual([]);
});

test('a schedule of the longest id has its buttons, and they work', async () => {
  const id = `nightly-${'x'.repeat(120)}`;
  const { api, ask, press } = await openDesk();
  await api.put(ops, id, specOf());
  const { buttons = [] } = await ask(`schedule ${id}`);
  expect(buttons.map(({ label }) => label)).toEqual(['Run now', 'Pause']);
  await press(buttons[1]?.id ?? '');
  expect((await api.get(ops, id)).paused).toMatchObject({ by: 'user:ann' });
});

test('what is written of a schedule is no markup, fits, and leaves nothing empty', async () => {
  const { api, ask } = await openDesk();
  const list = (from: number, to: number): string =>
    Array.from({ length: to - from + 1 }, (_, n) => from + n).join(',');
  const when = `${list(0, 59)} ${list(0, 23)} ${list(1, 31)} ${list(1, 12)} ${list(0, 6)}`;
  const principal = { tenant: 'acme', id: `key:${'k'.repeat(600)}` };
  const description = '@everyone **x** '.repeat(31);
  await api.put(
    principal,
    'nightly',
    specOf({
      when,
      owner: ' ',
      description,
      deadline: '1h',
      jitter: '10s',
      task: { action: 'shell.run', on: 'web-1,'.repeat(70), args: { command: 'x'.repeat(5_000) } },
    }),
  );
  await api.pause(principal, 'nightly');
  const { fields = [] } = await ask('schedule nightly');
  for (const { name, value } of fields) expect([name, value]).not.toEqual([name, '']);
  expect(fields.map(({ name }) => name)).not.toContain('Owner');
});

test('a resume and a pause that arrive long after they were sent are asked about', async () => {
  const { api, ask, press } = await openDesk({ staleAfterMs: 60_000 });
  await api.put(ops, 'nightly', specOf());
  await api.pause(ops, 'nightly');
  const asked = await ask('resume nightly', { at: Date.now() - 2_400_000 });
  expect(asked.text?.[0]).toBe('Sent 40 min ago: do it now?');
  expect((await api.get(ops, 'nightly')).paused).toMatchObject({ by: 'key:ops' });
  await press(asked.buttons?.[0]?.id ?? '');
  expect((await api.get(ops, 'nightly')).paused).toBeUndefined();
  await ask('pause nightly', { at: Date.now() - 2_400_000 });
  expect((await api.get(ops, 'nightly')).paused).toBeUndefined();
});

test('a pause that is done again after a crash is told as what it was', async () => {
  const { lab, one, api } = await openDesk();
  await api.put(ops, 'nightly', specOf());
  const pause = saidBy('ann', 'pause nightly');
  await diesUnnoted(lab, { ...pause, answer: createFakeAnswer() });
  const answer = createFakeAnswer();
  await one.handle({ ...pause, answer });
  expect(answer.whispers[0]?.text?.[0]).toContain('nightly is paused');
});
