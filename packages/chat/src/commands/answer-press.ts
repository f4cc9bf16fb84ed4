import { MoltError } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import { fireSchedule, steerSchedule } from './change-schedule.ts';
import { cancelTask, rerunTask } from './change-task.ts';
import { decide } from './decide.ts';
import { knownPrincipal } from './known-principal.ts';
import { actOnNotice, runRemedy } from './notice.ts';
import { showDetails } from './show-task.ts';

/** A button of ours: `<verb>:<id>`, with an option after questions. Its state is in the store, so that it works in any message, after any restart. */
export async function answerPress(context: ChatContext, asker: Asker, button: string): Promise<void> {
  const [verb = '', id = '', option = ''] = button.split(':');
  const principal = knownPrincipal(asker);
  if (verb === 'cancel') return cancelTask(context, asker, { principal, task: id });
  if (verb === 'rerun') return rerunTask(context, asker, { principal, task: id, failed: false });
  if (verb === 'rerun-failed') return rerunTask(context, asker, { principal, task: id, failed: true });
  if (verb === 'details') return showDetails(context, asker, { principal, task: id });
  if (verb === 'fire') return fireSchedule(context, asker, { principal, schedule: id });
  if (verb === 'pause' || verb === 'resume') return steerSchedule(context, asker, { verb, principal, schedule: id });
  if (verb === 'decide' && (option === 'yes' || option === 'no')) return decide(context, asker, id, option);
  if (verb === 'ack') return actOnNotice(context, asker, { key: id, what: 'acknowledged' });
  if (verb === 'remedy') return runRemedy(context, asker, { key: id, action: option, principal });
  if (verb === 'silence') return actOnNotice(context, asker, { key: id, what: 'silenced' });
  throw new MoltError('MOLT_CHAT_COMMAND', 'this button is of another version: send the command instead');
}
