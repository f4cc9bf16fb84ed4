import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { guardProgram } from '../../src/transports/shell/program.ts';
import { guardSuite } from './guard-suite.ts';

guardSuite('bash', 'exec bash --norc -s');
guardSuite('bash whose user logs in to it', 'exec bash --norc --noprofile -s', { env: { SHELL: '/bin/bash' } });
guardSuite('ksh93', 'exec ksh93 -s');
guardSuite('mksh', 'exec mksh -s');

test('bash keeps no list of the commands that have ended: each fork would go through it', async () => {
  const { resident } = await guardProgram();
  const input = `${resident}M_hello n /nowhere\n${"M_plain n '' '' true ''\n".repeat(20)}M_yield\necho listed; jobs\n`;
  const env = { SHELL: '/bin/bash', PATH: '/usr/bin:/bin' };
  const { stdout } = spawnSync('bash', ['--norc', '-s'], { input, env, encoding: 'utf8' });
  expect(stdout.match(/ end 0 0 \d+\n/g)).toHaveLength(20);
  expect(stdout.split('listed\n')[1]).toBe('');
});

test('the rest of a line whose reader was killed is never run: the shell ends', async () => {
  const { resident } = await guardProgram();
  const input = `${resident}M_hello n /nowhere\nM_plain n '' '' true ''\necho never\necho nor this\n`;
  const env = { SHELL: '/bin/bash', PATH: '/usr/bin:/bin' };
  const { stdout, signal } = spawnSync('bash', ['--norc', '-s'], { input, env, encoding: 'utf8' });
  expect(signal).toBe('SIGKILL');
  expect(stdout).toMatch(/ end 0 0 \d+\n$/);
});

test('without room for a spare the shell takes each line itself', async () => {
  const { resident } = await guardProgram();
  const input = `ulimit -n 8\n${resident}M_hello n /nowhere\n${"M_plain n '' '' 'echo out' ''\n".repeat(3)}`;
  const env = { SHELL: '/bin/bash', PATH: '/usr/bin:/bin' };
  const { stdout, status } = spawnSync('bash', ['--norc', '-s'], { input, env, encoding: 'utf8', timeout: 10_000 });
  expect([stdout.match(/^out$/gm)?.length, status]).toEqual([3, 0]);
});
