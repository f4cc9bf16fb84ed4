import { chinese } from './chinese.ts';
import { english, type Texts } from './english.ts';
import type { Language } from './language.ts';

const catalog: Readonly<Record<Language, Texts>> = { en: english, 'zh-CN': chinese };

/** All that the bot says, in this language. */
export const texts = (language: Language): Texts => catalog[language];
