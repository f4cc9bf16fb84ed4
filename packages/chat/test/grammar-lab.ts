import { type AnyAction, defineAction } from '@moltbot/plugin-sdk';
import { type AliasConfig, isMoltError, type MoltError } from '@moltbot/shared';
import { z } from 'zod';
import type { GrammarContext } from '../src/grammar/vocabulary.ts';

const run = async () => ({ exitCode: 0 });

export const shell: AnyAction = defineAction({
  name: 'shell.run',
  summary: 'Runs a shell command line on each target.',
  args: z.strictObject({
    command: z.string().min(1).describe('A POSIX shell command line.'),
    env: z.record(z.string(), z.string()).optional().describe('Environment.'),
    cwd: z.string().optional().describe('Directory to run in.'),
  }),
  run,
});

export const status: AnyAction = defineAction({
  name: 'system.status',
  summary: 'Tells how a host is doing.',
  args: z.strictObject({
    top: z.int().min(0).max(20).default(5).describe('Processes.'),
    sample: z.int().default(1).describe('Seconds.'),
  }),
  run,
});

/** Arguments of every type. */
export const deploy: AnyAction = defineAction({
  name: 'app.deploy',
  summary: 'Deploys.',
  args: z.strictObject({
    version: z.string().describe('Of the application.'),
    channel: z.enum(['stable', 'beta']).default('stable'),
    ratio: z.number().optional(),
    dryRun: z.boolean().optional(),
    hosts: z.array(z.string()).optional(),
    ports: z.array(z.int()).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    note: z.string().nullable().optional(),
    limit: z.union([z.int(), z.literal('none')]).optional(),
    either: z.union([z.string(), z.number(), z.boolean()]).optional(),
    anything: z.unknown().optional(),
  }),
  run,
});

export const alias = (overrides: Partial<AliasConfig> = {}): AliasConfig => ({
  tenant: 'default',
  name: 'sync',
  action: 'shell.run',
  args: { command: 'rsync -a {1} {2}' },
  usage: 'SRC DST',
  summary: 'Copies.',
  ...overrides,
});

export const contextWith = (overrides: Partial<GrammarContext> = {}): GrammarContext => ({
  actions: [shell, status, deploy],
  aliases: [
    alias(),
    alias({ name: 'k', args: { command: 'kubectl {*}' }, usage: '' }),
    alias({ name: 'top', action: 'system.status', args: { top: '{1}' }, usage: 'COUNT', on: 'web-*' }),
  ],
  scripts: [],
  ...overrides,
});

/** The error that it throws; anything but a MoltError fails. */
export function refusal(work: () => unknown): MoltError {
  try {
    work();
  } catch (error) {
    if (isMoltError(error)) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
