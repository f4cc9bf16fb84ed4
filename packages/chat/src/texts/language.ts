/** The languages of what the bot says. */
export type Language = 'en' | 'zh-CN';

/** The language for a locale of a platform: Chinese for `zh`, `zh-CN`, `zh-Hans` in any spelling, else English. */
export const languageOf = (locale?: string): Language =>
  /^zh(?:[-_](?:cn|hans)(?:[-_]\w+)*)?$/i.test(locale?.trim() ?? '') ? 'zh-CN' : 'en';
