import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newApiKey } from '@moltbot/shared';
import { eventually, type Installation, startDistributed, type TaskView } from '@moltbot/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'moltbot-cancel-emptied-'));
const journal = join(directory, 'journal');
let moltbot: Installation;

beforeAll(async () => {
  writeFileSync(journal, '');
  // A key of the configuration, as a first key would be gone with an emptied store.
  const key = newApiKey('default');
  moltbot = await startDistributed({
    ...{ apiKey: key.text, executors: 1 },
    config: {
      targets: [{ name: 'local', transport: 'local' }],
      tenants: { default: { apiKeys: [{ id: key.id, hash: key.hash }] } },
    },
  });
}, 120_000);
afterAll(async () => {
  await moltbot?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const classes = ['guarded', 'readonly', 'at-most-once'] as const;

async function post(word: string, runClass: string): Promise<string> {
  const args = { command: `echo ${word} ${runClass} >> ${journal}` };
  const { status, body } = await moltbot.api.post('/v1/tasks', {
    ...{ action: 'shell.run', args, on: 'local', class: runClass },
  });
  expect(status).toBe(202);
  return body.id;
}

const ended = (id: string): Promise<TaskView> =>
  eventually(
    `the end of ${id}`,
    async () => {
      const { status, body } = await moltbot.api.get<TaskView>(`/v1/tasks/${id}`);
      return status === 200 && !['queued', 'running'].includes(body.state) && body;
    },
    { withinMs: 60_000 },
  );

test('what was cancelled while it waited never runs, though the broker is killed and the store comes back empty', async () => {
  // RabbitMQ 3.10 that is killed right after its queues were declared comes back without them and what was in them.
  await moltbot.api.shell('sleep 2', 'local');
  await moltbot.executors()[0]?.kill('SIGKILL');
  const cancelled = await Promise.all(classes.map((each) => post('cancelled', each)));
  const others = await Promise.all(classes.map((each) => post('wanted', each)));
  for (const id of cancelled) {
    const { body } = await moltbot.api.post<TaskView>(`/v1/tasks/${id}/cancel`, {});
    expect(body.state).toBe('cancelled');
  }
  await moltbot.rabbitmq?.kill();
  await moltbot.redis?.restartEmpty();
  await moltbot.rabbitmq?.restart();
  const isForgotten = async (): Promise<boolean> => (await moltbot.api.get(`/v1/tasks/${cancelled[0]}`)).status === 404;
  await eventually('the store is back, and knows nothing', isForgotten, { withinMs: 30_000 });
  await moltbot.restartExecutor(0);
  const ends = await Promise.all([...cancelled, ...others].map(ended));
  expect(ends.map(({ state }) => state)).toEqual([
    ...cancelled.map(() => 'cancelled'),
    ...others.map(() => 'succeeded'),
  ]);
  expect(readFileSync(journal, 'utf8').trim().split('\n').toSorted()).toEqual(
    classes.map((each) => `wanted ${each}`).toSorted(),
  );
}, 180_000);
