import { eventually, type LarkMessage } from '@moltbot/testkit';
import type { Browser } from 'playwright-core';
import { openPage } from './browser.ts';
import type { Scenes, Stage } from './stage.ts';

const size = { width: 680, height: 1_400, isDark: false, scale: 1.25 };
type Locale = 'en_us' | 'zh_cn';

export function larkScenes({ lark, resetHealth }: Stage, browser: Browser, folder: string): Scenes {
  const opened = openPage(browser, size);
  const shoot = async (name: string, messageId: string, locale: Locale = 'en_us'): Promise<void> => {
    const page = await opened;
    await page.setContent(lark.renderHtml(messageId, { locale }));
    const box = await page.locator('.message').boundingBox();
    const clip = { x: 0, y: 0, width: size.width, height: (box?.height ?? 0) + 48 };
    await page.screenshot({ path: `${folder}/${name}.png`, clip });
  };
  /** The answer to what was written, once it says all of this, in words or on buttons. */
  const answerTo = (id: string, ...parts: readonly string[]): Promise<LarkMessage> =>
    eventually(
      `Lark: ${parts.join(', ')}`,
      () =>
        lark.messages('ops').find(({ replyTo, text, buttons }) => {
          const shown = [text, ...buttons.map(({ label }) => label)].join('\n');
          return replyTo === id && parts.every((part) => shown.includes(part));
        }),
      { withinMs: 30_000 },
    );
  const say = (text: string, user = 'alice'): string => lark.user(user).say('ops', text, { mentionBot: true }).id;

  return {
    async run() {
      const answer = await answerTo(say('run on:web-1 -- df -h /'), 'succeeded', 'Rerun');
      await shoot('lark-run', answer.id);
    },
    async hosts() {
      resetHealth();
      const answer = await answerTo(say('run on:fleet=edge -- ./healthcheck'), '30/30', 'Rerun failed');
      await shoot('lark-hosts', answer.id);
    },
    async live() {
      const answer = await answerTo(say('run on:db-1 -- ./migrate'), 'running', 'batch 4');
      await shoot('lark-live', answer.id);
    },
    async chinese() {
      await answerTo(say('language 中文', 'wei'), '中文');
      const failed = await answerTo(say('运行 on：web-2 —— tar -xzf /srv/release.tar.gz', 'wei'), '失败', '重新运行');
      await shoot('lark-failure-zh', failed.id, 'zh_cn');
      const asked = await answerTo(say('demo.release on:db-1 version=1.4.3', 'wei'), '1.4.3');
      await shoot('lark-approval-zh', asked.id, 'zh_cn');
    },
    async notification() {
      const is = ({ text }: LarkMessage): boolean => text.includes('A disk is nearly full');
      const { id } = await eventually('the notification in Lark', () => lark.messages('alerts').find(is));
      await shoot('lark-notification', id);
    },
  };
}
