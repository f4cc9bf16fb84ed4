import { type ApiClient, eventually, type TaskView } from '@moltbot/testkit';

/** Cancels what has not ended, so that no command outlives its demo. Resolves when all has ended. @throws when it does not within 8 s */
export async function endTasks(api: ApiClient): Promise<void> {
  const open = async (): Promise<readonly TaskView[]> => {
    const { body } = await api.get<{ tasks: readonly TaskView[] }>('/v1/tasks?state=held,queued,running&limit=200');
    return body.tasks;
  };
  for (const { id } of await open()) await api.post(`/v1/tasks/${id}/cancel`, {});
  await eventually('all commands have ended', async () => (await open()).length === 0, { withinMs: 8_000 });
}
