import type { PluginHost } from '@moltbot/plugin-host';
import type { AnyAction } from '@moltbot/plugin-sdk';
import { classOf, RunOrder } from '@moltbot/shared';
import { expect, test } from 'vitest';
import { openLab, shellPlugin, submission } from './lab.ts';

/** Actions of every make, that take what shell.run takes. */
async function makePlugins(): Promise<PluginHost> {
  const shell = (await shellPlugin()).findAction('shell.run');
  if (!shell) return expect.fail('there is no shell.run');
  const { effects: _effects, ...own } = shell;
  const actions: readonly AnyAction[] = [
    { ...own, name: 'own' },
    { ...own, name: 'by-exec', effects: 'by-exec' },
    { ...own, name: 'reader', effects: 'by-exec', class: 'readonly' },
    { ...own, name: 'own-idempotent', class: 'idempotent' },
    { ...own, name: 'own-guarded', class: 'guarded' },
  ];
  return { plugins: [], actions, findAction: (name) => actions.find((each) => each.name === name), notifiers: [] };
}

test.each([
  ['own', {}, 'at-most-once', 0],
  ['by-exec', {}, 'guarded', 0],
  ['reader', {}, 'readonly', 3],
  ['own-idempotent', {}, 'idempotent', 3],
  // What acts by itself leaves no record, whatever its author says.
  ['own-guarded', {}, 'at-most-once', 0],
  ['by-exec', { class: 'idempotent' }, 'idempotent', 3],
  ['by-exec', { class: 'idempotent', retries: 0 }, 'idempotent', 0],
  ['by-exec', { retries: 10 }, 'guarded', 10],
  ['by-exec', { class: 'at-most-once' }, 'at-most-once', 0],
  ['reader', { class: 'guarded' }, 'guarded', 0],
  ['own', { class: 'readonly' }, 'readonly', 3],
] as const)('%s asked for with %j is %s with %i retries', async (name, more, runClass, retries) => {
  const lab = await openLab();
  const door = await lab.door({ plugins: await makePlugins() });
  const { taskId } = await door.submit(submission({ request: { action: name, ...more } }));
  expect((await lab.store.getTask('acme', taskId))?.task).toMatchObject({ class: runClass, retries });
});

test('what acts by itself cannot be asked for guarded', async () => {
  const lab = await openLab();
  const door = await lab.door({ plugins: await makePlugins() });
  const asked = door.submit(submission({ request: { action: 'own', class: 'guarded' } }));
  await expect(asked).rejects.toMatchObject({
    code: 'MOLT_BAD_REQUEST',
    places: [
      { path: '/class', message: 'cannot be guarded: own acts by itself, and no target keeps a record of that' },
    ],
  });
});

test('guarded by default, a target without a guard is no reason to refuse', async () => {
  const lab = await openLab();
  const door = await lab.door();
  const { taskId } = await door.submit(submission({ request: { on: 'bare-1, web-1' } }));
  expect((await lab.store.getTask('acme', taskId))?.task.class).toBe('guarded');
  const far1 = { kind: 'runs', pool: 'far', tenant: 'acme', priority: 'interactive' } as const;
  const classes = (await Promise.all([lab.queued(), lab.queued(far1)]))
    .flat()
    .map(({ body }) => classOf(RunOrder.parse(body)));
  expect(classes.sort()).toEqual(['at-most-once', 'guarded']);
});
