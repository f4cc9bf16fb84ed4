import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ApiClient, createApiClient, eventually } from '@moltbot/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChatLab, startChatLab } from './lab.ts';
import { type Said, type TestPlatform, untilSaid } from './platforms.ts';
import { describeSchedules, ticking } from './suite-schedules.ts';

/** What people can do in a chat, whatever the platform. */
export function describeChat(name: string, start: () => Promise<TestPlatform>): void {
  describe(name, () => {
    let platform: TestPlatform;
    let lab: ChatLab;
    beforeAll(async () => {
      platform = await start();
      const channels = { ops: { kind: platform.name, options: { channel: platform.channel() } } };
      // Every time, so that it is the silence that keeps one back.
      const notifications = { channels, routes: [{ to: ['ops'] }], group: { wait: '1s' }, repeatAfter: '0s' };
      lab = await startChatLab(platform, { notifications, schedules: [failing('flaky'), failing('broken'), ticking] });
    }, 60_000);
    afterAll(async () => {
      await lab?.stop();
      await platform?.stop();
    });

    const ask = (text: string, user = 'alice'): string => platform.say(user, text);
    const answerTo = (id: string, ...parts: readonly string[]): Promise<Said> =>
      untilSaid(`an answer with ${parts.join(', ')}`, platform, ({ replyTo, text }) => {
        return replyTo === id && parts.every((part) => text.includes(part));
      });
    /** The answer once it has these buttons. */
    const answerWith = (id: string, buttons: readonly string[]): Promise<Said> =>
      untilSaid(`an answer with the buttons ${buttons.join(', ')}`, platform, ({ replyTo, buttons: shown }) => {
        return replyTo === id && isDeepStrictEqual(shown, buttons);
      });
    const final = ['Rerun', 'Details'];
    /** Without the title, which is the command. */
    const bodyOf = ({ text }: Said): string => text.slice(text.indexOf('\n'));
    /** Says something, and gives the answer once it has all of the parts. */
    const told = (text: string, parts: readonly string[], user?: string): Promise<Said> =>
      answerTo(ask(text, user), ...parts);

    describe('a command', () => {
      test('runs, and its answer is a reply with the output and how it ended', async () => {
        const said = await answerWith(ask('run on:web-1 -- echo $((40 + 2)); echo $((6 * 9)) >&2'), final);
        for (const part of ['42', '54', 'succeeded', 'exit code 0']) expect(said.text).toContain(part);
      });

      test('that fails says so, with its exit code', async () => {
        expect((await told('run on:web-1 -- exit 7', ['failed', 'exit code 7'])).text).toContain('No output');
      });

      test('may be a script of several lines in a code block', async () => {
        await told('run on:web-1\n```sh\nfor n in 1 2 3\ndo echo "n=$n"\ndone\n```', ['n=1', 'n=2', 'n=3']);
      });

      test('may be a script in a file', async () => {
        const file = { name: 'count.sh', text: 'seq 3 | paste -sd+\n' };
        await answerTo(platform.say('alice', 'run on:web-1', file), '1+2+3');
      });

      test('keeps quotes, dollars and stars as they were written', async () => {
        await told(`run on:web-1 -- printf '%s\\n' "a  b" '$HOME' '*'`, ['a  b', '$HOME', '*']);
      });

      test('may be an action with typed arguments', async () => {
        await told('system.status on:web-1 top=1', ['succeeded'], 'bob');
      });

      test('may be an alias, whose words stay words', async () => {
        await told(`say on:web-1 "a b" 'c;id'`, ['a b|c;id|']);
      });

      test('may be an alias with its own targets', async () => {
        await told('uptime-of-web', ['load average']);
      });

      test('is understood in Chinese', async () => {
        await told('运行 on：web-1 —— echo 你好', ['你好']);
      });
    });

    describe('a mistake', () => {
      test.each([
        ['rnu on:web-1 -- id', ['did you mean run', '^']],
        ['system.statsu on:web-1', ['did you mean', 'system.status']],
        ['run on:web-1', ['MOLT_CHAT_COMMAND']],
        ['run on:nowhere -- id', ['MOLT_NO_TARGETS']],
        ['run on:"web-1 (" -- id', ['MOLT_BAD_SELECTOR']],
        ['uptime-of-wbe', ['did you mean', 'uptime-of-web']],
        ['link', ['MOLT_CHAT_COMMAND', 'link CODE']],
        ['system.status on:web-1 top=many', ['MOLT_CHAT_COMMAND', 'top']],
        ['system.status on:web-1 tpo=3', ['did you mean', 'top']],
        ['say on:web-1 only-one', ['ONE TWO']],
        ['show 00000000-0000-7000-8000-000000000000', ['MOLT_NOT_FOUND']],
        ['fire tikc', ['did you mean tick', 'MOLT_NOT_FOUND']],
      ])('%j is answered with what was wrong and what to do', async (text, parts) => {
        await told(text, parts);
      });
    });

    describe('somebody', () => {
      test('whom nobody knows is told how to become known, and runs nothing', async () => {
        const marker = join(lab.directory, 'mallory');
        await told(`run on:web-1 -- touch ${marker}`, ['link', 'MOLT_CHAT_UNLINKED'], 'mallory');
        expect(existsSync(marker)).toBe(false);
      });

      test('links themselves with a code, once, and is somebody then', async () => {
        const api = createApiClient(lab.url(), lab.key());
        const { body } = await api.post<{ send: string }>('/v1/chat/codes', { name: 'mallory' });
        const { send } = body;
        platform.dm('mallory', 'link wrong-code-0');
        await eventually('a refusal', () =>
          platform.saidTo('mallory').find(({ text }) => text.includes('MOLT_CHAT_CODE')),
        );
        platform.dm('mallory', send);
        await eventually('a welcome', () =>
          platform.saidTo('mallory').find(({ text }) => text.includes('mallory here')),
        );
        await told('run on:web-1 -- echo I may', ['I may', 'succeeded'], 'mallory');
        platform.dm('mallory', 'run on:web-1 -- echo between us');
        await eventually('an answer in private', () =>
          platform.saidTo('mallory').find(({ text }) => text.includes('between us') && text.includes('succeeded')),
        );
        expect(platform.said().some(({ text }) => text.includes('between us'))).toBe(false);
        await told('whoami', ['user:mallory'], 'mallory');
        platform.dm('wang', send);
        await eventually('a refusal', () =>
          platform.saidTo('wang').find(({ text }) => text.includes('MOLT_CHAT_CODE')),
        );
        await told('unlink', ['not linked any more'], 'mallory');
        await told('run on:web-1 -- id', ['MOLT_CHAT_UNLINKED'], 'mallory');
      });

      test('chooses the language of all answers', async () => {
        await told('language 中文', ['中文'], 'wang');
        const said = await answerWith(ask('run on:web-1 -- echo ok', 'wang'), ['重新运行', '详情']);
        expect(said.text).toContain('成功 · 退出码 0');
        await told('rnu on:web-1 -- id', ['run'], 'wang');
        await told('language en', ['English'], 'wang');
      });
    });

    describe('what there is', () => {
      test('is told by help, and by help on a command', async () => {
        await told('help', ['run on:TARGETS', 'uptime-of-web', 'actions']);
        await told('help system.status', ['top']);
      });

      test('is listed: actions, targets, tasks', async () => {
        await told('actions', ['shell.run', 'risky.deploy']);
        await told('targets role=web', ['web-1']);
        await told('tasks', ['web-1']);
      });

      test('is found by a part of it, before it is run on', async () => {
        const few = await told('targets host-0*', ['9 targets', 'host-01', 'fleet=all']);
        expect(few.text).not.toContain('host-10');
        await told('targets fleet=all !host-0*', ['21 targets', 'host-10']);
        await told('targets fleet=none', ['MOLT_NO_TARGETS']);
      });
    });

    describe('output', () => {
      test('is seen while the command runs', async () => {
        const id = ask('run on:web-1 -- echo $((20 + 1)); sleep 4; echo $((30 + 3))');
        const said = await answerTo(id, '\n21\n', 'running');
        expect(said.text).not.toContain('\n33\n');
        expect(said.buttons).toEqual(['Cancel']);
        const ended = await answerTo(id, '\n33\n', 'succeeded');
        expect(ended.id).toBe(said.id);
      });

      test('that is long is shown by its end, and whole in a file', async () => {
        const id = ask('run on:web-1 -- seq 1 20000');
        const said = await answerTo(id, '20000', 'succeeded', 'file');
        expect(said.text).not.toContain('\n10000\n');
        const file = await eventually('the file', () =>
          platform.said().find(({ files, replyTo }) => files.length > 0 && replyTo === said.id),
        );
        expect(file.files[0]?.text()).toBe(`${Array.from({ length: 20_000 }, (_, n) => n + 1).join('\n')}\n`);
      });

      test('is given as a file when it is asked for', async () => {
        const { text } = await told('run on:web-1 -- echo for the record', ['for the record', 'succeeded']);
        const task = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)?.[0] ?? '';
        const answer = await told(`output ${task}`, [task]);
        const file = await eventually('the file', () =>
          platform.said().find(({ files, replyTo }) => files.length > 0 && replyTo === answer.id),
        );
        expect(file.files[0]?.text()).toBe('for the record\n');
      });

      test('is an image where it is one', async () => {
        const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
        const { text } = await told(`run on:web-1 -- echo ${png} | base64 -d`, ['succeeded']);
        const task = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)?.[0] ?? '';
        const answer = await told(`output ${task}`, [task]);
        await eventually('the image', () =>
          platform.said().some(({ files: [file], replyTo }) => file?.name === `${task}.png` && replyTo === answer.id),
        );
      });

      test('is shown in any script', async () => {
        await told('run on:web-1 -- printf "日本語 😀 ñ\\n"', ['日本語 😀 ñ']);
      });

      test('mentions nobody, links nowhere and ends no block', async () => {
        const before = platform.pings();
        const hostile = '@everyone @here <@1> <at id=all></at> ```\\n**bold** [x](http://evil.example)';
        await answerWith(ask(`run on:web-1 -- printf '${hostile}\\n'; echo @everyone >&2; exit 3`), final);
        await told('run on:"@everyone" -- id', ['MOLT_']);
        expect(platform.pings()).toBe(before);
      });

      test('shows no escape sequences', async () => {
        const id = ask(`run on:web-1 -- printf '\\033[31mred\\033[0m \\033]0;title\\007plain\\n'`);
        const said = await answerWith(id, final);
        expect(bodyOf(said)).toContain('plain');
        expect(bodyOf(said)).not.toContain('title');
      });
    });

    describe('a task', () => {
      test('is cancelled by its button: its processes are gone, and its message says so', async () => {
        const marker = `${lab.directory}/pid`;
        const id = ask(`run on:web-1 -- echo $$ > ${marker}; sleep 600`);
        const said = await answerTo(id, 'running');
        await eventually('the command runs', () => existsSync(marker));
        await platform.press('alice', said.id, 'Cancel');
        expect((await answerWith(id, final)).text).toContain('cancelled');
        expect(existsSync(`/proc/${readFileSync(marker, 'utf8').trim()}`)).toBe(false);
      });

      test('is cancelled by a command', async () => {
        const id = ask('run on:web-1 -- sleep 601');
        const { text } = await answerTo(id, 'running');
        const task = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(text)?.[0] ?? '';
        ask(`cancel ${task}`, 'bob');
        await answerTo(id, 'cancelled');
      });

      test('on 30 hosts tells its progress, then its results in groups, and is run again where it failed', async () => {
        const counter = join(lab.directory, 'runs');
        const failsTwice = [1, 2].map((n) => `mkdir ${counter}-${n} 2>/dev/null && exit 9`).join('; ');
        const command = `echo x >> ${counter}; ${failsTwice}; echo fine`;
        const id = ask(`run on:host-* -- ${command}`);
        const said = await answerWith(id, ['Rerun', 'Rerun failed', 'Details']);
        expect(said.text).toContain('30/30');
        expect(said.text).toMatch(/28 hosts/);
        expect(said.text).toContain('exit code 9');
        await platform.press('bob', said.id, 'Rerun failed');
        const again = await untilSaid('the second run', platform, (each) => {
          return each.replyTo === said.id && each.text.includes('succeeded');
        });
        expect(again.text).toContain('fine');
        expect(readFileSync(counter, 'utf8')).toBe('x\n'.repeat(32));
      });

      test('on 30 hosts is followed while some of them still run', async () => {
        const [first, mayEnd] = [join(lab.directory, 'first'), join(lab.directory, 'may-end')];
        // One ends at once; the others wait until that was seen, however long it takes.
        const id = ask(`run on:host-* -- mkdir ${first} 2>/dev/null || until [ -e ${mayEnd} ]; do sleep 0.1; done`);
        await answerTo(id, ' 1/30');
        writeFileSync(mayEnd, '');
        expect((await answerWith(id, final)).text).toContain('30/30');
      });

      test('is run again by its button, once a press', async () => {
        const counter = join(lab.directory, 'again');
        const said = await answerWith(ask(`run on:web-1 -- echo y >> ${counter}`), final);
        await platform.press('alice', said.id, 'Rerun');
        await untilSaid(
          'the second run',
          platform,
          ({ replyTo, text }) => replyTo === said.id && /succeeded/.test(text),
        );
        expect(readFileSync(counter, 'utf8')).toBe('y\ny\n');
      });

      test('shows its details', async () => {
        const said = await answerWith(ask('run on:host-01,host-02 -- exit 4'), final);
        const whisper = await platform.press('alice', said.id, 'Details');
        const shown = whisper ?? (await untilSaid('details', platform, ({ replyTo }) => replyTo === said.id)).text;
        expect(shown).toContain('host-01');
        expect(shown).toContain('host-02');
      });
    });

    describeSchedules({ ask, told, answerWith, platform: () => platform, lab: () => lab });

    describe('a question', () => {
      test('is asked before what its action calls for, and what was confirmed is run once', async () => {
        const id = ask('risky.deploy on:web-1 version=1.2 parallel=4');
        const asked = await answerTo(id, '1.2');
        expect(asked.buttons).toEqual(['Run now', 'Dismiss']);
        await platform.press('bob', asked.id, 'Run now');
        await platform.press('alice', asked.id, 'Run now');
        await answerTo(id, 'deployed 1.2 by 4', 'succeeded');
        const decided = await answerTo(id, 'Run by');
        expect(decided.buttons).toEqual([]);
        expect(platform.said().filter(({ text }) => text.includes('deployed 1.2'))).toHaveLength(1);
      });

      test('that is dismissed runs nothing', async () => {
        const id = ask('risky.deploy on:web-1 version=6.6.6');
        const asked = await answerTo(id, '6.6.6');
        await platform.press('alice', asked.id, 'Dismiss');
        await answerTo(id, 'Dismissed by');
        expect(platform.said().some(({ text }) => text.includes('deployed 6.6.6'))).toBe(false);
      });

      test('for approval is another’s to answer', async () => {
        const id = ask('risky.drop on:web-1');
        const asked = await answerTo(id, 'Approval');
        expect(asked.buttons).toEqual(['Approve', 'Reject']);
        await platform.press('alice', asked.id, 'Approve');
        expect(platform.said().some(({ text }) => text.includes('dropped'))).toBe(false);
        await platform.press('bob', asked.id, 'Approve');
        await answerTo(id, 'dropped', 'succeeded');
        expect((await answerTo(id, 'Approved by')).buttons).toEqual([]);
      });
    });

    describe('a notification', () => {
      const api = () => createApiClient(lab.url(), lab.key());
      const notify = (title: string) =>
        api().post('/v1/notifications/test', { severity: 'critical', title, text: '99 %' });
      const told = (title: string) =>
        platform.said().filter(({ text }) => text.includes(title) && text.includes('99 %'));

      test('stands in the channel, and says who has acknowledged it', async () => {
        const title = 'The disk of web-1 is full';
        await notify(title);
        const said = await eventually('the notification', () => told(title)[0]);
        expect(said.buttons).toEqual(['Acknowledge', 'Silence']);
        await platform.press('bob', said.id, 'Acknowledge');
        const acknowledged = await eventually('who did', () =>
          told(title).find(({ text }) => text.includes('Acknowledged by')),
        );
        expect(acknowledged.buttons).toEqual([]);
      });

      test('that is silenced is not told again, though others are', async () => {
        const fail = (schedule: string) => api().post(`/v1/schedules/${schedule}/run`, {});
        const toldOf = (schedule: string) =>
          platform.said().filter(({ text }) => text.includes(`Schedule ${schedule}: failed`));
        await fail('flaky');
        const said = await eventually('the notification', () => toldOf('flaky')[0]);
        await fail('flaky');
        await eventually('the second of the same matter', () => toldOf('flaky').length === 2);
        await platform.press('alice', said.id, 'Silence');
        await eventually('who did', () => toldOf('flaky').some(({ text }) => text.includes('Silenced by')));
        await fail('flaky');
        // It is kept for reading.
        await eventually('the third', async () => (await raised(api(), 'Schedule flaky: failed')) === 3);
        await fail('broken');
        await eventually('another matter', () => toldOf('broken')[0]);
        expect(toldOf('flaky')).toHaveLength(2);
      });
    });
  });
}

/** Run by hand alone. */
const failing = (id: string) => ({
  ...{ id, when: '0 0 1 1 *', onFailure: { severity: 'error' } },
  task: { action: 'shell.run', on: 'web-1', args: { command: 'exit 1' } },
});

async function raised(api: ApiClient, title: string): Promise<number> {
  const { body } = await api.get<{ notifications: { title: string }[] }>('/v1/notifications');
  return body.notifications.filter((notification) => notification.title === title).length;
}
