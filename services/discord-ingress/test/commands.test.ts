import type { Usage } from '@moltbot/chat';
import { createRegistry, silentLogger, systemClock } from '@moltbot/shared';
import { checkServiceContract, startDiscord } from '@moltbot/testkit';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { usageToCommands } from '../src/commands/usage-to-commands.ts';
import { createDiscordIngress } from '../src/index.ts';
import { startLab, usages } from './lab.ts';

const words = fc.record({ en: fc.string({ maxLength: 400 }), 'zh-CN': fc.string({ maxLength: 400 }) });
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const option: fc.Arbitrary<Usage['options'][number]> = fc.record({
  ...{ name, summary: words, required: fc.boolean(), type: fc.constantFrom('string', 'integer', 'number', 'boolean') },
  completes: fc.constantFrom(undefined, 'targets', 'tasks'),
  choices: fc.option(
    fc.array(
      fc.integer({ min: 0, max: 9 }).map((value) => ({ label: `no. ${value}`, value })),
      { maxLength: 25 },
    ),
    {
      nil: undefined,
    },
  ),
});
const usage: fc.Arbitrary<Usage> = fc.record({
  ...{ verb: name, written: name, kind: fc.constant('action'), summary: words, form: fc.string() },
  options: fc.uniqueArray(option, { selector: (each) => each.name, maxLength: 30 }),
});

it('registers whatever commands there are', async () => {
  const discord = await startDiscord({ limits: { commandCreatesPerDay: 1_000_000, globalRequests: 1_000_000 } });
  onTestFinished(() => discord.stop());
  const url = `${discord.api}/v10/applications/${discord.applicationId}/guilds/${discord.guildId('ops')}/commands`;
  const headers = {
    authorization: `Bot ${discord.token}`,
    'content-type': 'application/json',
    'user-agent': 'DiscordBot (https://x.example, 1)',
  };
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(usage, { selector: ({ verb }) => verb, maxLength: 8 }), async (some) => {
      const body = usageToCommands(some);
      const response = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(body) });
      expect(response.status, JSON.stringify([body, await response.json()])).toBe(200);
    }),
    { numRuns: 100 },
  );
});

it('registers a hundred commands of as many as there are, and no command that is too large', () => {
  const summary = { en: 'x'.repeat(100), 'zh-CN': '字'.repeat(100) };
  const choices = Array.from({ length: 25 }, (_, index) => ({
    label: `${index}`.padEnd(100, 'x'),
    value: `${index}`.padEnd(100, 'y'),
  }));
  const options = Array.from({ length: 25 }, (_, index) => ({
    ...{ name: `o${index}`, summary, type: 'string' as const, required: index === 0 },
    choices,
  }));
  const many = Array.from(
    { length: 120 },
    (_, index): Usage => ({ ...{ verb: `v${index}`, written: 'v', kind: 'action', form: '' }, summary, options }),
  );
  const commands = usageToCommands(many);
  expect(commands).toHaveLength(100);
  const [first] = commands;
  const kept = first && 'options' in first ? first.options : [];
  expect(kept?.map((each) => each.name)).toEqual(['o0']);
});

it('offers a form and a file for scripts', () => {
  const script = usageToCommands(usages).find((command) => command.name === 'script');
  expect(script).toMatchObject({
    options: [
      { name: 'on', required: false, autocomplete: true },
      { name: 'text', required: false },
      { name: 'timeout', required: false },
      { name: 'file', type: 11, required: false },
    ],
  });
});

it('keeps the contract of services', async () => {
  const lab = await startLab();
  await checkServiceContract(() =>
    createDiscordIngress({
      ...{ name: 'main', config: lab.config(), store: lab.store, usages: () => usages },
      ...{ registry: createRegistry('test'), clock: systemClock, log: silentLogger },
      chat: () => ({
        ...{
          name: 'chat',
          start: async () => {},
          quiesce: async () => {},
          stop: async () => {},
          health: () => ({ ok: true }),
        },
        ...{ handle: async () => {}, complete: async () => [], lead: async () => {} },
      }),
    }),
  );
});
