import type { Asker, ChatContext } from '../chat-context.ts';
import type { ChatCommand } from '../grammar/command.ts';
import { chooseLanguage, link, unlink } from './account.ts';
import { fireSchedule, steerSchedule } from './change-schedule.ts';
import { cancelTask, rerunTask } from './change-task.ts';
import { knownPrincipal } from './known-principal.ts';
import { listActions, listTargets, listTasks, sayHelp, sayWho } from './lists.ts';
import { runCommand } from './run.ts';
import { listSchedules, showSchedule } from './schedules.ts';
import { showOutput, showTask } from './show-task.ts';

const forAll = ['help', 'whoami', 'language', 'link', 'unlink'] as const;
type ForAll = (typeof forAll)[number];

/** What is open to everybody: to learn how to become known, and to say who one is. All else needs a principal. */
export const isForAll = (verb: string | undefined): boolean => forAll.some((open) => open === verb);

export async function answerCommand(context: ChatContext, asker: Asker, command: ChatCommand): Promise<void> {
  switch (command.verb) {
    case 'help':
      return sayHelp(context, asker, command.topic);
    case 'whoami':
      return sayWho(context, asker);
    case 'language':
      return chooseLanguage(context, asker, command.language);
    case 'link':
      return link(context, asker, command.code);
    case 'unlink':
      return unlink(context, asker);
    default:
      return answerKnown(context, asker, command);
  }
}

type ForKnown = Exclude<ChatCommand, { verb: ForAll }>;

async function answerKnown(context: ChatContext, asker: Asker, command: ForKnown): Promise<void> {
  const principal = knownPrincipal(asker);
  switch (command.verb) {
    case 'run':
      return runCommand(context, asker, { command, principal });
    case 'actions':
      return listActions(context, asker);
    case 'targets':
      return listTargets(context, asker, { principal, on: command.on });
    case 'tasks':
      return listTasks(context, asker, principal);
    case 'show':
      return showTask(context, asker, { principal, task: command.task });
    case 'output':
      return showOutput(context, asker, { principal, task: command.task });
    case 'cancel':
      return cancelTask(context, asker, { principal, task: command.task });
    case 'rerun':
      return rerunTask(context, asker, { ...command, principal });
    case 'schedules':
      return listSchedules(context, asker, { principal, words: command.words });
    case 'schedule':
      return showSchedule(context, asker, { principal, schedule: command.schedule });
    case 'pause':
    case 'resume':
      return steerSchedule(context, asker, { verb: command.verb, principal, schedule: command.schedule });
    case 'fire':
      return fireSchedule(context, asker, { principal, schedule: command.schedule });
  }
}
