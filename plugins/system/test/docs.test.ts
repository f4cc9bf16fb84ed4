import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { type ActionContext, type ActionDefinition, defineAction } from '@moltbot/plugin-sdk';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { SystemStatus } from '../src/status.ts';
import { statusToText } from '../src/status-to-text.ts';

const page = await readFile(new URL('../../../docs/system.md', import.meta.url), 'utf8');
const block = (kind: string): string => new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? '';

test('the data of docs/system.md fits its schema, and is that of the text', () => {
  const status = SystemStatus.parse(JSON.parse(block('json')));
  const head = statusToText(status).split('\n').slice(0, 9).join('\n');
  expect(page).toContain(`\n${head}\n`);
});

test('the action of docs/system.md gives what it says', async () => {
  const source = stripTypeScriptTypes(block('ts'))
    .replaceAll(/^import .*$/gm, '')
    .replace('export const', 'const');
  const users = new Function('defineAction', 'z', `${source}; return users;`)(defineAction, z) as ActionDefinition;
  let written = '';
  const stdout = 'ada      pts/0  2026-11-27\nbob      pts/1  2026-11-27\nada      pts/2  2026-11-27\n';
  const result = await users.run({
    capture: async () => ({ stdout, stderr: '', truncated: false, exitCode: 0 }),
    write: async (_stream: string, text: string) => {
      written += text;
    },
  } as unknown as ActionContext<unknown>);
  expect(result).toEqual({ exitCode: 0, data: { users: ['ada', 'bob'] } });
  expect(users.data?.parse(result.data)).toEqual(result.data);
  expect(written).toBe('ada\nbob\n');
});
