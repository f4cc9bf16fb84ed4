import { BasePlugin, defineAction, defineNotifier, pluginEntry } from '@moltbot/plugin-sdk';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { loadPlugins } from '../src/index.ts';

const action = (name: string) =>
  defineAction({ name, summary: name, args: z.strictObject({}), run: async () => ({ exitCode: 0 }) });

const plugin = (id: string, ...names: string[]) =>
  pluginEntry(
    class extends BasePlugin {
      getMetadata() {
        return { id, version: '1.0.0', summary: id };
      }
      override actions() {
        return names.map(action);
      }
    },
  );

const telling = (id: string, ...kinds: string[]) =>
  pluginEntry(
    class extends BasePlugin {
      getMetadata() {
        return { id, version: '1.0.0', summary: id };
      }
      override notifiers() {
        const create = () => ({ send: async () => {}, close: async () => {} });
        return kinds.map((kind) => defineNotifier({ kind, summary: kind, options: z.strictObject({}), create }));
      }
    },
  );

const load = (modules: Record<string, Record<string, unknown>>) =>
  loadPlugins(Object.keys(modules), async (specifier) => {
    const module = modules[specifier];
    if (!module) throw new Error('no such module');
    return module;
  });

test('registers the actions of every plugin, by name', async () => {
  const host = await load({ a: { default: plugin('a', 'a.two', 'a.one') }, b: { default: plugin('b', 'b.one') } });
  expect(host.actions.map(({ name }) => name)).toEqual(['a.one', 'a.two', 'b.one']);
  expect(host.findAction('b.one')?.summary).toBe('b.one');
  expect(host.findAction('c.one')).toBeUndefined();
});

test('registers the kinds of channels of every plugin', async () => {
  const host = await load({ a: { default: telling('a', 'pager') }, b: { default: telling('b', 'chat') } });
  expect(host.notifiers.map(({ kind }) => kind)).toEqual(['pager', 'chat']);
});

test.each([
  ['a module without an entry', { x: { default: class {} } }, 'exports 0 classes'],
  ['two entries', { x: { one: plugin('a'), two: plugin('b') } }, 'exports 2 classes'],
  ['an id twice', { x: { default: plugin('a') }, y: { default: plugin('a') } }, 'the id "a" is taken'],
  ['an action of another name', { x: { default: plugin('a', 'b.run') } }, 'must be named "a.<verb>"'],
  ['a kind twice', { x: { default: telling('a', 'pager', 'pager') } }, 'the kind of channel "pager" is taken'],
  ['a kind that is built in', { x: { default: telling('a', 'email') } }, 'the kind of channel "email" is taken'],
  ['an action twice', { x: { default: plugin('a', 'a.run', 'a.run') } }, 'offers the action "a.run" twice'],
])('%s is refused, naming the plugin', async (_what, modules, why) => {
  await expect(load(modules)).rejects.toMatchObject({ code: 'MOLT_PLUGIN', message: expect.stringContaining(why) });
});

test('a module that cannot be imported is refused with the cause', async () => {
  const failing = loadPlugins(['nowhere'], () => Promise.reject(new Error('no such module')));
  await expect(failing).rejects.toMatchObject({
    code: 'MOLT_PLUGIN',
    message: expect.stringContaining('no such module'),
  });
});

test('one class exported under two names is one entry', async () => {
  const entry = plugin('a', 'a.run');
  expect((await load({ x: { default: entry, Named: entry } })).plugins).toHaveLength(1);
});
