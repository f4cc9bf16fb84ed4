import type { ChatContext } from './chat-context.ts';
import { allSchedules } from './commands/find-schedule.ts';
import { type Choice, complete as completeOption } from './grammar/complete.ts';
import type { Completion } from './incoming.ts';
import { scheduleLabel } from './render/schedule-words.ts';
import { whatRuns } from './render/task-words.ts';

const tasksAtMost = 100;

/** What could be written next. Somebody whom nobody knows is told nothing of what there is. @throws MOLT_STORE_DOWN */
export async function complete(context: ChatContext, completion: Completion): Promise<readonly Choice[]> {
  const { people, intake, aliases, store } = context;
  const { tenant } = completion;
  const { principal } = await people.find(completion);
  const tasks =
    principal && completion.option === 'task' ? (await store.listTasks(tenant, { limit: tasksAtMost })).tasks : [];
  const schedules = principal && completion.option === 'schedule' ? await allSchedules(context, principal) : undefined;
  return completeOption(completion, {
    actions: principal ? intake.actions() : [],
    aliases: principal ? aliases.filter((alias) => alias.tenant === tenant) : [],
    targets: principal ? intake.targets(principal) : [],
    tasks: tasks.map(({ task, state }) => ({ id: task.id, label: `${whatRuns(task, 50)} → ${task.on} (${state})` })),
    schedules: (schedules?.found ?? []).map((record) => ({ id: record.id, label: scheduleLabel(record) })),
  });
}
