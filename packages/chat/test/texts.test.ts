import { type ErrorCode, errorCatalog, errorCodes, runStates } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { languageOf } from '../src/texts/language.ts';
import { texts } from '../src/texts/texts.ts';

const [en, zh] = [texts('en'), texts('zh-CN')];

/** Every text of a catalog by its path; functions are called with numbers or words. */
function textsOf(of: unknown, path = ''): readonly (readonly [string, string])[] {
  if (typeof of === 'string') return [[path, of]];
  if (typeof of === 'function')
    return [[path, of.length === 0 ? of() : String(call(of as (...args: unknown[]) => unknown, path))]];
  return Object.entries(of as object).flatMap(([name, each]) => textsOf(each, `${path}.${name}`));
}

function call(of: (...args: unknown[]) => unknown, path: string): unknown {
  if (path === '.facts') return of(['a', 'b']);
  if (path === '.names') return of(['a', 'b'], 3);
  if (path === '.errorOf') return Object.values(of('MOLT_BUS_DOWN') as object).join();
  if (path === '.task.resolved') return of('done', 'ann');
  return of(...Array.from({ length: of.length }, (_, at) => 7 + at));
}

test('both languages have every text, and none of them is empty', () => {
  const paths = textsOf(en).map(([path]) => path);
  expect(textsOf(zh).map(([path]) => path)).toEqual(paths);
  expect(paths.length).toBeGreaterThan(100);
  for (const [path, text] of [...textsOf(en), ...textsOf(zh)]) expect([path, text.trim()]).not.toEqual([path, '']);
});

test('Chinese is Chinese wherever English is words', () => {
  const same = textsOf(zh).filter(([, text], at) => text === textsOf(en)[at]?.[1]);
  // What joins, and what is a name or a number in both.
  expect(same.map(([path]) => path)).toEqual(['.facts', '.task.title', '.details.exit', '.notification.head.0']);
});

test('the language of a locale', () => {
  const chinese = ['zh', 'zh-CN', 'zh_cn', 'ZH-cn', 'zh-Hans', 'zh-Hans-CN', 'zh_Hans_CN', ' zh-CN '];
  const others = ['zh-TW', 'zh_hk', 'zh-Hant', 'zha', 'en-US', 'de', '', 'x-zh', undefined];
  expect(chinese.map(languageOf)).toEqual(chinese.map(() => 'zh-CN'));
  expect(others.map(languageOf)).toEqual(others.map(() => 'en'));
});

test('durations', () => {
  const spans = [
    0, 9, 999, 1_000, 3_249, 9_949, 9_950, 59_499, 60_000, 80_000, 3_599_400, 3_599_600, 3_661_000, 86_400_000,
    97_200_000,
  ];
  expect(spans.map((ms) => en.duration(ms))).toEqual([
    ...['0 ms', '9 ms', '999 ms', '1.0 s', '3.2 s', '9.9 s', '10 s', '59 s', '1 min', '1 min 20 s', '59 min 59 s'],
    ...['1 h', '1 h 1 min', '1 d', '1 d 3 h'],
  ]);
  expect([3_249, 80_000, 2_400_000, 97_200_000].map((ms) => zh.duration(ms))).toEqual([
    ...['3.2 秒', '1 分 20 秒', '40 分钟', '1 天 3 小时'],
  ]);
});

/** What only a configuration, an HTTP request, a callback, a dead letter or a notification can lead to. */
const neverInAChat: readonly ErrorCode[] = [
  ...(['MOLT_BAD_CONFIG', 'MOLT_PLUGIN', 'MOLT_ENVELOPE', 'MOLT_BAD_JSON', 'MOLT_BODY_TOO_LARGE'] as const),
  ...(['MOLT_BAD_MEDIA_TYPE', 'MOLT_RANGE', 'MOLT_KEY_MISSING', 'MOLT_KEY_WRONG', 'MOLT_NOT_UNKNOWN'] as const),
  ...(['MOLT_BAD_CALLBACK', 'MOLT_CALLBACK_FAILED', 'MOLT_UNKNOWN_CHANNEL', 'MOLT_NOTIFY_FAILED'] as const),
  ...(['MOLT_NOTIFY_REFUSED', 'MOLT_CANNOT_REPLAY'] as const),
];

test('every code has words, in Chinese those that somebody in a chat can meet', () => {
  const inChinese = (text: string): boolean => /\p{Script=Han}/u.test(text);
  const met = errorCodes.filter((code) => !neverInAChat.includes(code));
  expect(met.length).toBeGreaterThan(45);
  for (const code of met) {
    expect([code, inChinese(zh.errorOf(code).title), inChinese(zh.errorOf(code).remedy)]).toEqual([code, true, true]);
  }
  for (const code of errorCodes) expect(en.errorOf(code).title).toBe(errorCatalog[code].title);
  expect(zh.errorOf('MOLT_BAD_CONFIG').title).toBe(errorCatalog.MOLT_BAD_CONFIG.title);
  expect(en.errorOf('MOLT_UNKNOWN_ACTION').remedy).not.toContain('GET');
});

test('every state has a word of its own', () => {
  for (const t of [en, zh]) expect(new Set(runStates.map((state) => t.states[state])).size).toBe(runStates.length);
});
