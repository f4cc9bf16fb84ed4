import { writeSync } from 'node:fs';
import { silentLogger } from '@moltbot/shared';
import { createSqliteStore } from '../../src/index.ts';
import { newTask } from '../fixtures.ts';

/** Accepts tasks into the file given until it is killed or refused; prints the id of each that was accepted. */
const file = process.argv[2];
if (!file) throw new Error('which file?');
const store = createSqliteStore({ file, retention: { tasksMs: 1e9, outputMs: 1e9 }, log: silentLogger });
await store.start();
const print = (line: string): void => void writeSync(1, `${line}\n`);
let accepted = '';
for (let refused = false; !refused; ) {
  const tasks = Array.from({ length: 10 }, () => newTask());
  const outcomes = await Promise.allSettled(tasks.map((task) => store.acceptTask(task)));
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') continue;
    accepted = tasks[index]?.task.id ?? '';
    print(accepted);
  }
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  refused = failed !== undefined;
  if (!failed) continue;
  const state = (await store.getTask('acme', accepted))?.state;
  print(`refused ${failed.reason.code}, still reads ${state}, health ${store.health().ok}`);
}
process.kill(process.pid, 'SIGKILL');
