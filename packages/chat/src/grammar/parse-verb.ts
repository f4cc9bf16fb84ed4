import { isSpace, toAscii } from './characters.ts';
import type { ChatCommand } from './command.ts';
import { commandError, type Where } from './command-error.ts';
import { type Cursor, isAtEnd, skipSpaces, takeRun, type Word } from './cursor.ts';
import { readHead, takeSelectorPiece } from './read-head.ts';
import { failedWords, languageOf, type Verb, verbs } from './verbs.ts';

type OtherVerb = Exclude<Verb, 'run' | 'script'>;

/** Reads what follows a verb that makes no task. */
export function parseVerb(cursor: Cursor, verb: OtherVerb): ChatCommand {
  switch (verb) {
    case 'help':
      return parseHelp(cursor);
    case 'targets':
      return parseTargets(cursor);
    case 'actions':
    case 'tasks':
    case 'unlink':
    case 'whoami':
      takeExactly(cursor, verb, 0);
      return { verb };
    case 'show':
    case 'output':
    case 'cancel': {
      const [task] = takeExactly(cursor, verb, 1);
      return { verb, task: toTaskId(task, { position: task.at }) };
    }
    case 'rerun':
      return parseRerun(cursor);
    case 'schedules':
      return toSchedules(takeRuns(cursor).map(({ text }) => text));
    case 'schedule':
    case 'pause':
    case 'resume':
    case 'fire': {
      const [id] = takeExactly(cursor, verb, 1);
      return { verb, schedule: toScheduleId(id, { verb, where: { position: id.at } }) };
    }
    case 'link': {
      const [code] = takeExactly(cursor, verb, 1);
      const plain = bare(code.text);
      if (plain === '') throw commandError(code.at, { kind: 'usage', usage: verbs.link.form });
      return { verb, code: plain };
    }
    case 'language': {
      const [word] = takeExactly(cursor, verb, 1);
      return { verb, language: toLanguage(word.text, { position: word.at }) };
    }
  }
}

function parseHelp(cursor: Cursor): ChatCommand {
  const topic = takeRuns(cursor)
    .map(({ text }) => text)
    .join(' ');
  return { verb: 'help', ...(topic !== '' && { topic }) };
}

function parseTargets(cursor: Cursor): ChatCommand {
  const { on, timeout, end } = readHead(cursor, { hasCommand: false, takeOther: takeSelectorPiece });
  if (timeout !== undefined) throw commandError(end.at, { kind: 'usage', usage: verbs.targets.form });
  return { verb: 'targets', ...(on && { on: on.text }) };
}

function parseRerun(cursor: Cursor): ChatCommand {
  const words = takeRuns(cursor);
  const [task, failed, extra] = words;
  const usage = { kind: 'usage', usage: verbs.rerun.form } as const;
  if (!task) throw commandError(cursor.at, usage);
  const id = toTaskId(task, { position: task.at });
  const isFailed = failed !== undefined && failedWords.includes(failed.text.toLowerCase());
  const wrong = failed && !isFailed ? failed : extra;
  if (wrong) throw commandError(wrong.at, usage);
  return { verb: 'rerun', task: id, failed: isFailed };
}

/** All words that are left, with the quotes that stand in them. */
function takeRuns(cursor: Cursor): readonly Word[] {
  const words: Word[] = [];
  for (skipSpaces(cursor); !isAtEnd(cursor); skipSpaces(cursor)) words.push({ at: cursor.at, text: takeRun(cursor) });
  return words;
}

/** The words, as many as it has to be. */
function takeExactly(cursor: Cursor, verb: OtherVerb, count: 0): readonly [];
function takeExactly(cursor: Cursor, verb: OtherVerb, count: 1): readonly [Word];
function takeExactly(cursor: Cursor, verb: OtherVerb, count: number): readonly Word[] {
  const words = takeRuns(cursor);
  if (words.length === count) return words;
  throw commandError(words[count]?.at ?? cursor.at, { kind: 'usage', usage: verbs[verb].form });
}

const uuid = 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx';
const minTaskIdLength = 8;

/**
 * The id of a task, or the beginning of one: at least 8 characters, lower case.
 * @throws MOLT_CHAT_COMMAND when it is neither.
 */
export function toTaskId({ text }: Pick<Word, 'text'>, where: Where): string {
  // A keyboard may have made a long dash of a short one.
  const id = toAscii(bare(text)).toLowerCase().replace(/-+/g, '-');
  const fits = [...id].every((one, index) => (uuid.charAt(index) === '-' ? one === '-' : /[0-9a-f]/.test(one)));
  if (id.length >= minTaskIdLength && id.length <= uuid.length && fits) return id;
  throw commandError(where, { kind: 'bad-task', word: text });
}

export function toSchedules(words: readonly string[]): ChatCommand {
  const text = words.filter((word) => word !== '').join(' ');
  return { verb: 'schedules', ...(text !== '' && { words: text }) };
}

/** What may be the id of a schedule: one word. @throws MOLT_CHAT_COMMAND when it is none */
export function toScheduleId(
  { text }: Pick<Word, 'text'>,
  { verb, where }: { readonly verb: Verb; readonly where: Where },
): string {
  const id = bare(toAscii(text));
  if (id !== '' && ![...id].some(isSpace)) return id;
  throw commandError(where, { kind: 'usage', usage: verbs[verb].form });
}

/** Without what it was wrapped in where it was copied from. */
const bare = (text: string): string => text.replace(/^[`<#"'“”‘’]+|[`>"'“”‘’]+$/g, '');

/** @throws MOLT_CHAT_COMMAND when it is none of ours. */
export function toLanguage(text: string, where: Where): 'en' | 'zh-CN' {
  const language = languageOf(bare(text));
  if (language) return language;
  throw commandError(where, { kind: 'bad-language', word: text });
}
