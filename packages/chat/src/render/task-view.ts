import type { RunRecord, TaskRecord } from '@moltbot/shared';
import type { ChatMessage } from '../message.ts';
import type { PlatformLimits } from '../platform.ts';
import type { Language } from '../texts/language.ts';
import type { OutputTail } from './output-view.ts';

export interface TaskView {
  readonly task: TaskRecord;
  /** All of them, or those that could be read: what is missing is counted. */
  readonly runs: readonly RunRecord[];
  /** By id of the run. One that is not there counts as not read. */
  readonly tails: ReadonlyMap<string, OutputTail>;
  readonly language: Language;
  readonly limits: Pick<PlatformLimits, 'tailCharacters' | 'hasAnsi'>;
  /** Epoch ms. A task that has ended looks the same at any time. */
  readonly now: number;
}

/** What a message shows of the runs of a task. */
export interface RunsView extends Pick<ChatMessage, 'text' | 'code' | 'table'> {
  /** Output is not shown, or not all of it. */
  readonly isCut: boolean;
}
