import { isFinal, type TaskRecord } from '@moltbot/shared';
import type { ChatButton, ChatMessage } from '../message.ts';
import type { Texts } from '../texts/english.ts';
import { texts } from '../texts/texts.ts';
import { countFailed } from './failures.ts';
import { fitMessage } from './fit-message.ts';
import { manyRunsView } from './many-runs-view.ts';
import { oneRunView } from './one-run-view.ts';
import type { RunsView, TaskView } from './task-view.ts';
import { titleOf, toneOf } from './task-words.ts';

export type { TaskView } from './task-view.ts';

/** A task as it stands. */
export function taskToMessage(view: TaskView): ChatMessage {
  const { task, language } = view;
  const t = texts(language);
  const { isCut, text = [], ...shown } = runsView(view, t);
  const ended = isFinal(task.state);
  return fitMessage({
    ...shown,
    tone: toneOf(task),
    title: titleOf(task.task, t),
    text: [...text, ...(isCut ? [ended ? t.task.outputInFile : t.task.outputComesAsFile] : [])],
    buttons: buttonsOf(task, t),
    footer: t.task.footer(task.task.id),
  });
}

/** Whether output is not shown, or not all of it: then the message says that the whole is in a file. */
export const isOutputCut = (view: TaskView): boolean => runsView(view, texts(view.language)).isCut;

const runsView = (view: TaskView, t: Texts): RunsView =>
  view.task.task.runs === 1 ? oneRunView(view, t) : manyRunsView(view, t);

function buttonsOf({ task, state, counts, cancelRequested }: TaskRecord, t: Texts) {
  const button = (verb: string, label: string, style: ChatButton['style']): ChatButton => ({
    ...{ id: `${verb}:${task.id}`, label, style },
  });
  if (!isFinal(state)) return cancelRequested ? [] : [button('cancel', t.buttons.cancel, 'danger')];
  const failed = countFailed(counts);
  return [
    button('rerun', t.buttons.rerun, 'neutral'),
    ...(failed > 0 && failed < task.runs ? [button('rerun-failed', t.buttons.rerunFailed, 'primary')] : []),
    button('details', t.buttons.details, 'neutral'),
  ];
}
