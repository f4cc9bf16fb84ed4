import { shellAction } from '../aliases.ts';
import type { Verb, Words } from './verbs.ts';

export interface UsageOption {
  /** Valid as the name of an option of a slash command, unique in its command. */
  readonly name: string;
  readonly summary: Words;
  readonly type: 'string' | 'integer' | 'number' | 'boolean';
  readonly required: boolean;
  /** All that it may be, at most 25. */
  readonly choices?: readonly { readonly label: string; readonly value: string | number }[] | undefined;
  /** What is typed into it can be completed: `complete`. */
  readonly completes?: 'targets' | 'actions' | 'tasks' | 'schedules' | undefined;
}

const on: UsageOption = {
  name: 'on',
  summary: {
    en: 'Where: names, globs and labels, such as web-* env=prod.',
    'zh-CN': '在哪里：名称、通配符和标签，例如 web-* env=prod。',
  },
  type: 'string',
  required: true,
  completes: 'targets',
};

const timeout: UsageOption = {
  name: 'timeout',
  summary: { en: 'Longest time of each run, such as 30s or 5m.', 'zh-CN': '每次运行的最长时间，例如 30s 或 5m。' },
  type: 'string',
  required: false,
};

const task: UsageOption = {
  name: 'task',
  summary: { en: 'Id of the task, or its first characters.', 'zh-CN': '任务编号，或它的前几个字符。' },
  type: 'string',
  required: true,
  completes: 'tasks',
};

const schedule: UsageOption = {
  name: 'schedule',
  summary: { en: 'Id of the schedule.', 'zh-CN': '定时计划的编号。' },
  type: 'string',
  required: true,
  completes: 'schedules',
};

interface VerbOptions {
  /** Of the task that it makes. */
  readonly action?: string;
  readonly options: readonly UsageOption[];
}

/** The options of the verbs, and those that all that run have in common. */
export const verbOptions: Readonly<Record<Verb, VerbOptions>> & {
  readonly common: { readonly on: UsageOption; readonly timeout: UsageOption };
} = {
  common: { on, timeout },
  run: {
    action: shellAction,
    options: [
      on,
      {
        name: 'command',
        summary: { en: 'A shell command line.', 'zh-CN': 'Shell 命令行。' },
        type: 'string',
        required: true,
      },
      timeout,
    ],
  },
  script: {
    action: shellAction,
    options: [
      on,
      {
        name: 'text',
        summary: { en: 'The script; or attach a file.', 'zh-CN': '脚本内容；也可以附上文件。' },
        type: 'string',
        required: false,
      },
      timeout,
    ],
  },
  help: {
    options: [
      {
        name: 'topic',
        summary: { en: 'A command to be explained.', 'zh-CN': '要说明的命令。' },
        type: 'string',
        required: false,
        completes: 'actions',
      },
    ],
  },
  actions: { options: [] },
  targets: { options: [{ ...on, required: false }] },
  tasks: { options: [] },
  show: { options: [task] },
  output: { options: [task] },
  cancel: { options: [task] },
  rerun: {
    options: [
      task,
      {
        name: 'failed',
        summary: { en: 'Only what failed.', 'zh-CN': '只运行失败的部分。' },
        type: 'boolean',
        required: false,
      },
    ],
  },
  schedules: {
    options: [
      {
        name: 'words',
        summary: { en: 'Only those with these words in them.', 'zh-CN': '只列出包含这些词的计划。' },
        type: 'string',
        required: false,
      },
    ],
  },
  schedule: { options: [schedule] },
  pause: { options: [schedule] },
  resume: { options: [schedule] },
  fire: { options: [schedule] },
  link: {
    options: [
      {
        name: 'code',
        summary: { en: 'The one-time code.', 'zh-CN': '一次性代码。' },
        type: 'string',
        required: true,
      },
    ],
  },
  unlink: { options: [] },
  whoami: { options: [] },
  language: {
    options: [
      {
        name: 'language',
        summary: { en: 'English or Chinese.', 'zh-CN': '英文或中文。' },
        type: 'string',
        required: true,
        choices: [
          { label: 'English', value: 'en' },
          { label: '简体中文', value: 'zh-CN' },
        ],
      },
    ],
  },
};
