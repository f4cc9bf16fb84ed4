import type { Usage } from '@moltbot/chat';

type Words = Usage['summary'];

type Text = 'notHere' | 'scriptTitle' | 'script' | 'file' | 'targets' | 'targetsHint';

/** What this adapter says by itself, before the chat knows of anything. */
export const texts: Readonly<Record<Text, Words>> = {
  notHere: { en: 'I am not used in this channel.', 'zh-CN': '我不在这个频道里工作。' },
  scriptTitle: { en: 'Run a script', 'zh-CN': '运行脚本' },
  script: { en: 'Script', 'zh-CN': '脚本' },
  file: { en: 'A text file with the script.', 'zh-CN': '含有脚本的文本文件。' },
  targets: { en: 'Targets', 'zh-CN': '目标' },
  targetsHint: { en: 'web-* or env=prod', 'zh-CN': 'web-* 或 env=prod' },
};

/** @param locale of the platform: `en-US`, `zh-CN`, `zh-TW` */
export const say = (words: Words, locale: string): string => words[/^zh\b/.test(locale) ? 'zh-CN' : 'en'];
