import type { Language } from '../texts/language.ts';
import type { ChatCommand } from './command.ts';

export type Words = Readonly<Record<Language, string>>;

/** What a command may begin with, beside aliases and actions. */
export type Verb = ChatCommand['verb'] | 'script';

interface VerbEntry {
  /** In Chinese. */
  readonly name: string;
  readonly summary: Words;
  /** How it is written. */
  readonly form: string;
}

export const verbs: Readonly<Record<Verb, VerbEntry>> = {
  run: {
    name: '运行',
    summary: { en: 'Runs a shell command on targets.', 'zh-CN': '在目标上运行 Shell 命令。' },
    form: 'run on:TARGETS [timeout:30s] -- COMMAND',
  },
  script: {
    name: '脚本',
    summary: { en: 'Runs a script of several lines on targets.', 'zh-CN': '在目标上运行多行脚本。' },
    form: 'script on:TARGETS [timeout:30s] ```SCRIPT```',
  },
  help: {
    name: '帮助',
    summary: { en: 'Says how commands are written.', 'zh-CN': '说明命令的写法。' },
    form: 'help [TOPIC]',
  },
  actions: {
    name: '动作',
    summary: { en: 'Lists what can be done.', 'zh-CN': '列出可以执行的动作。' },
    form: 'actions',
  },
  targets: {
    name: '目标',
    summary: { en: 'Lists targets.', 'zh-CN': '列出目标。' },
    form: 'targets [TARGETS]',
  },
  tasks: {
    name: '任务',
    summary: { en: 'Lists the newest tasks.', 'zh-CN': '列出最近的任务。' },
    form: 'tasks',
  },
  show: {
    name: '查看',
    summary: { en: 'Shows a task.', 'zh-CN': '查看任务。' },
    form: 'show TASK',
  },
  output: {
    name: '输出',
    summary: { en: 'Gives the whole output of a task.', 'zh-CN': '给出任务的完整输出。' },
    form: 'output TASK',
  },
  cancel: {
    name: '取消',
    summary: { en: 'Stops a task.', 'zh-CN': '取消任务。' },
    form: 'cancel TASK',
  },
  rerun: {
    name: '重跑',
    summary: { en: 'Runs a task again, or only what failed of it.', 'zh-CN': '重新运行任务，或只运行其中失败的部分。' },
    form: 'rerun TASK [failed]',
  },
  schedules: {
    name: '计划',
    summary: { en: 'Lists schedules.', 'zh-CN': '列出定时计划。' },
    form: 'schedules [WORDS]',
  },
  schedule: {
    name: '查看计划',
    summary: { en: 'Shows a schedule and what became of it.', 'zh-CN': '查看定时计划及其最近的结果。' },
    form: 'schedule SCHEDULE',
  },
  pause: {
    name: '暂停',
    summary: { en: 'Pauses a schedule.', 'zh-CN': '暂停定时计划。' },
    form: 'pause SCHEDULE',
  },
  resume: {
    name: '恢复',
    summary: { en: 'Resumes a paused schedule.', 'zh-CN': '恢复已暂停的定时计划。' },
    form: 'resume SCHEDULE',
  },
  fire: {
    name: '触发',
    summary: { en: 'Runs a schedule once, now.', 'zh-CN': '立即运行一次定时计划。' },
    form: 'fire SCHEDULE',
  },
  link: {
    name: '绑定',
    summary: { en: 'Links your account here with a one-time code.', 'zh-CN': '用一次性代码绑定你的账号。' },
    form: 'link CODE',
  },
  unlink: {
    name: '解绑',
    summary: { en: 'Takes back the link of your account.', 'zh-CN': '解除账号绑定。' },
    form: 'unlink',
  },
  whoami: {
    name: '我是谁',
    summary: { en: 'Says who you are here.', 'zh-CN': '说明你在这里的身份。' },
    form: 'whoami',
  },
  language: {
    name: '语言',
    summary: { en: 'Chooses the language of my answers to you.', 'zh-CN': '选择我回答你时使用的语言。' },
    form: 'language english|中文',
  },
};

export const verbNames: readonly Verb[] = Object.keys(verbs) as Verb[];

/** The verb of a word in either language, in lower case. */
export const verbOf = (word: string): Verb | undefined =>
  verbNames.find((verb) => verb === word || verbs[verb].name === word);

const languages: Readonly<Record<Language, readonly string[]>> = {
  en: ['en', 'en-us', 'en-gb', 'english', '英文', '英语'],
  'zh-CN': ['zh', 'zh-cn', 'zh-hans', 'cn', 'chinese', '中文', '汉语', '简体中文', '简体'],
};

export function languageOf(word: string): Language | undefined {
  const plain = word.toLowerCase().replace('_', '-');
  return (Object.keys(languages) as Language[]).find((language) => languages[language].includes(plain));
}

/** Words for only what failed. */
export const failedWords: readonly string[] = ['failed', '失败', '仅失败'];
