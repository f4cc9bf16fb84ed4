import { type DiscordMessage, eventually } from '@moltbot/testkit';
import type { Browser, Page } from 'playwright-core';
import { openPage } from './browser.ts';
import type { Scenes, Stage } from './stage.ts';

/** Of the whole page; messages alone are as wide as a channel on a small screen. */
const whole = { width: 900, height: 640, isDark: true };
const narrow = { width: 640, height: 2_000, isDark: true, scale: 1.3 };

/** Who looks, in which language, at how many messages. */
interface Shot {
  readonly last?: number;
  readonly user?: string;
  readonly lang?: string;
}

const textOf = ({ content, embeds }: DiscordMessage): string =>
  [content, ...embeds.flatMap(({ title, description }) => [title, description])].join('\n');

/** What each picture shows, by its name; they are made one after the other. */
export function discordScenes({ discord, page: address, api }: Stage, browser: Browser, folder: string): Scenes {
  const opened = new Map<string, Promise<Page>>();
  const pageOf = (kind: typeof whole | typeof narrow, name: string): Promise<Page> => {
    const known = opened.get(name) ?? openPage(browser, kind);
    opened.set(name, known);
    return known;
  };
  const visit = async (page: Page, query: Readonly<Record<string, string>>): Promise<void> => {
    await page.goto(`${address}&${new URLSearchParams({ lang: 'en-US', ...query })}`);
    await page.waitForSelector('#link.live');
  };
  /** The bot's answer in a channel, once it says all of this. */
  const answer = (channel: string, ...parts: readonly string[]): Promise<DiscordMessage> =>
    eventually(
      `${channel}: ${parts.join(', ')}`,
      () =>
        discord
          .messages(channel)
          .findLast((message) => message.author === 'moltbot' && parts.every((part) => textOf(message).includes(part))),
      { withinMs: 30_000 },
    );
  const say = (channel: string, text: string, user = 'alice') => discord.user(user).say(channel, text);
  const buttonOf = ({ buttons }: DiscordMessage, label: string): string =>
    buttons.find((button) => button.label === label)?.customId ?? '';
  /** The last messages of a channel, without the page around them. */
  const shootMessages = async (name: string, channel: string, { last = 10, ...query }: Shot = {}): Promise<void> => {
    const page = await pageOf(narrow, 'narrow');
    await visit(page, { channel, user: 'alice', ...query });
    const shown = (await page.locator('article').all()).slice(-last);
    const [first, end] = await Promise.all([shown.at(0)?.boundingBox(), shown.at(-1)?.boundingBox()]);
    if (!first || !end) throw new Error(`${name}: there are no messages`);
    const clip = { x: 0, y: first.y - 8, width: narrow.width, height: end.y + end.height - first.y + 20 };
    await page.screenshot({ path: `${folder}/${name}.png`, clip });
  };

  return {
    async run() {
      say('run', '!run on:web-1 -- df -h /');
      await answer('run', 'succeeded');
      await shootMessages('discord-run', 'run');
    },
    async live() {
      say('live', '!run on:db-1 -- ./migrate');
      await answer('live', 'running', 'batch 4');
      await shootMessages('discord-live', 'live');
    },
    async hosts() {
      say('hosts', '!run on:fleet=edge -- ./healthcheck');
      await answer('hosts', '30/30');
      await eventually('its buttons', async () => buttonOf(await answer('hosts', '30/30'), 'Rerun failed') !== '');
      await shootMessages('discord-hosts', 'hosts');
    },
    async failure() {
      say('failure', '!run on:web-2 -- tar -xzf /srv/release.tar.gz -C /opt');
      await answer('failure', 'failed');
      await shootMessages('discord-failure', 'failure');
    },
    async cancel() {
      say('cancel', '!run on:db-1 timeout:10m -- PAUSE=2 ./migrate');
      const running = await answer('cancel', 'running', 'batch 2');
      await discord.user('alice').press(running.id, buttonOf(running, 'Cancel')).answer();
      await answer('cancel', 'migrate', 'cancelled');
      await shootMessages('discord-cancel', 'cancel');
    },
    async notification() {
      await api.raw('/v1/schedules/disk-watch', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(diskWatch),
      });
      await api.post('/v1/schedules/disk-watch/run', {});
      await answer('ops', 'A disk is nearly full');
      await shootMessages('discord-notification', 'ops');
    },
    async approval() {
      say('ops', '!demo.release on:env=prod version=1.4.2');
      const question = await answer('ops', 'Approval');
      await shootMessages('discord-approval', 'ops', { last: 2 });
      await discord.user('bob').press(question.id, buttonOf(question, 'Approve')).answer();
      await answer('ops', 'succeeded');
      await answer('ops', 'Approved by');
      await shootMessages('discord-approved', 'ops', { last: 3 });
    },
    async long() {
      say('long', '!run on:web-1 -- seq -f "INFO GET /orders/%.0f status=200 duration=12ms" 1 20000');
      await answer('long', 'succeeded');
      await eventually('the file', () =>
        ['long', ...discord.threads('long')].some((each) =>
          discord.messages(each).some(({ files }) => files.length > 0),
        ),
      );
      await shootMessages('discord-long', 'long');
    },
    async mistake() {
      say('mistake', '!rnu on:web-* -- uptime');
      await answer('mistake', 'run');
      await shootMessages('discord-mistake', 'mistake');
    },
    async chinese() {
      say('chinese', '!language 中文', 'wei');
      await answer('chinese', '中文');
      say('chinese', '!运行 on：web-1 —— df -h /', 'wei');
      await answer('chinese', '成功');
      say('chinese', '!demo.release on:db-1 version=1.4.3', 'wei');
      await answer('chinese', '1.4.3');
      await shootMessages('discord-chinese', 'chinese', { user: 'wei', lang: 'zh-CN' });
    },
    async slash() {
      const page = await pageOf(whole, 'whole');
      say('ops', '!run on:web-1 -- uptime', 'bob');
      await answer('ops', 'uptime', 'succeeded');
      await visit(page, { channel: 'ops', user: 'bob' });
      await page.locator('#text').pressSequentially('/run');
      await page.waitForSelector('.suggestion');
      await page.keyboard.press('Enter');
      await page.keyboard.type('web');
      await page.waitForSelector('.suggestion >> text=role=web');
      await page.screenshot({ path: `${folder}/discord-slash.png` });
    },
  };
}

const diskWatch = {
  when: 'every 1h',
  task: { action: 'system.status', on: 'db-1', class: 'readonly' },
  alerts: [
    {
      if: 'result.disks.exists(d, d.usedPercent > 1)',
      title: 'A disk is nearly full',
      severity: 'critical',
      remedy: { title: 'Vacuum the journal', action: 'shell.run', args: { command: 'journalctl --vacuum-size=200M' } },
    },
  ],
};
