import { expect, test } from 'vitest';
import { helpToMessage } from '../src/render/help-to-message.ts';

test('help: what is too wide for two columns stands below what it belongs to', () => {
  const form = 'run on:TARGETS [timeout:30s] -- COMMAND';
  const { code } = helpToMessage(
    [
      { verb: 'run', form, summary: 'Runs a shell command on targets.', options: [] },
      { verb: 'tasks', summary: 'Lists the newest tasks.', options: [] },
    ],
    'en',
  );
  expect(code?.[0]?.text).toBe(
    [form, '    Runs a shell command on targets.', 'tasks', '    Lists the newest tasks.'].join('\n'),
  );
});
