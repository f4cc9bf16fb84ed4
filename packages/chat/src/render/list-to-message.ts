import type { AnyAction } from '@moltbot/plugin-sdk';
import type { Target, TaskRecord } from '@moltbot/shared';
import type { ChatMessage } from '../message.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import { oneLine } from './clip.ts';
import { fitMessage } from './fit-message.ts';
import { linesToCode } from './lines-to-code.ts';
import { messageLimits } from './message-limits.ts';
import { coarseMs, whatRuns } from './task-words.ts';

const { rows: rowsAtMost } = messageLimits;

export function actionsToMessage(
  actions: readonly Pick<AnyAction, 'name' | 'summary'>[],
  language: Language,
): ChatMessage {
  const t = texts(language);
  const { code, more } = linesToCode(actions.map(({ name, summary }) => [name, summary]));
  return fitMessage({
    tone: 'neutral',
    title: t.lists.actions(actions.length),
    text: [...(more > 0 ? [t.lists.more(more)] : []), actions.length === 0 ? t.lists.none : t.lists.actionsHint],
    code,
  });
}

/** @param on the selector that they match; absent: all */
export function targetsToMessage(targets: readonly Target[], language: Language, on?: string): ChatMessage {
  const t = texts(language);
  const count = targets.length;
  const labelsOf = ({ labels }: Target): string =>
    Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  return fitMessage({
    tone: 'neutral',
    title: on === undefined ? t.lists.targets(count) : t.lists.targetsOn(count, oneLine(on, 120)),
    text: [...(count === 0 ? [t.lists.none] : []), ...(count > rowsAtMost ? [t.lists.more(count - rowsAtMost)] : [])],
    ...(count > 0 && {
      table: {
        head: t.lists.targetsHead,
        rows: targets.slice(0, rowsAtMost).map((target) => [target.name, target.pool, labelsOf(target)]),
      },
    }),
  });
}

/** Of the id of a task: enough to name it. */
const idCharacters = 13;

/** The newest of the tasks, in the order they are given. */
export function tasksToMessage(tasks: readonly TaskRecord[], language: Language, now: number): ChatMessage {
  const t = texts(language);
  const toRow = ({ task, state }: TaskRecord): readonly string[] => {
    const ms = Math.max(0, now - task.acceptedAt);
    return [
      task.id.slice(0, idCharacters),
      t.task.title(whatRuns(task, 30), oneLine(task.on, 24)),
      t.states[state],
      t.lists.ago(t.duration(coarseMs(ms) ?? ms)),
    ];
  };
  return fitMessage({
    tone: 'neutral',
    title: t.lists.tasks,
    text: tasks.length === 0 ? [t.lists.none] : [],
    ...(tasks.length > 0 && { table: { head: t.lists.tasksHead, rows: tasks.slice(0, rowsAtMost).map(toRow) } }),
  });
}
