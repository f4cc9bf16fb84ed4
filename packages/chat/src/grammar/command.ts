import type { TaskRequest } from '@moltbot/shared';

/** What somebody asked for, once it is understood. Nothing of it is checked against rights, targets or schemas yet. */
export type ChatCommand =
  | RunCommand
  | { readonly verb: 'help'; readonly topic?: string | undefined }
  | { readonly verb: 'actions' }
  | { readonly verb: 'targets'; readonly on?: string | undefined }
  /** Newest tasks, of which the chat shows a page. */
  | { readonly verb: 'tasks' }
  | { readonly verb: 'show' | 'cancel' | 'output'; readonly task: string }
  | { readonly verb: 'rerun'; readonly task: string; readonly failed: boolean }
  /** Those that have all of the words in them; without words all of the tenant. */
  | { readonly verb: 'schedules'; readonly words?: string | undefined }
  | { readonly verb: 'schedule' | 'pause' | 'resume' | 'fire'; readonly schedule: string }
  | { readonly verb: 'link'; readonly code: string }
  | { readonly verb: 'unlink' }
  | { readonly verb: 'whoami' }
  | { readonly verb: 'language'; readonly language: 'en' | 'zh-CN' };

/** A task to be made: any action, by its name, by `run` and `script`, or by an alias. */
export interface RunCommand extends RunOptions {
  readonly verb: 'run';
  readonly action: string;
  /** Of the type that the schema of the action gives them; texts where it is silent. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly on: string;
  readonly timeout?: string | undefined;
}

type RunOption = 'idleTimeout' | 'connectTimeout' | 'queueTimeout' | 'deadline' | 'class' | 'retries' | 'priority';

/** What cannot be written in a chat: it comes from a task that is repeated. */
export type RunOptions = { readonly [K in RunOption]?: TaskRequest[K] | undefined };
