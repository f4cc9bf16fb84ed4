import { Place, type Principal, Priority, RunClass } from '@moltbot/shared';
import { z } from 'zod';
import type { RunCommand } from '../grammar/command.ts';

/**
 * Something that is run when somebody says so.
 * - `confirm`: the action asks for it, and who asked answers.
 * - `approve`: somebody else answers.
 * - `stale`: it arrived long after it was sent, and who asked answers.
 */
export interface Question {
  readonly id: string;
  readonly tenant: string;
  readonly kind: 'confirm' | 'approve' | 'stale';
  readonly command: RunCommand;
  /** Id of the schedule that is run once, whose task `command` was when it was asked. */
  readonly schedule?: string | undefined;
  readonly asker: { readonly id: string; readonly name: string };
  readonly principal: Principal;
  readonly place: Place;
  /** Id of the message that asked. */
  readonly message?: string | undefined;
  readonly language: 'en' | 'zh-CN';
  /** When the command was sent, epoch ms. */
  readonly sentAt: number;
  /** Epoch ms. Nobody decides it from `expiresAt` on. */
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly decision?: Decision | undefined;
}

interface Decision {
  readonly option: 'yes' | 'no';
  /** Name of who decided, and their id on the platform. */
  readonly by: string;
  readonly actor: string;
  /** Id of the event that decided. */
  readonly event: string;
  /** Epoch ms. */
  readonly at: number;
}

const RunCommandRecord: z.ZodType<RunCommand> = z.object({
  verb: z.literal('run'),
  action: z.string(),
  args: z.record(z.string(), z.unknown()),
  on: z.string(),
  timeout: z.string().optional(),
  idleTimeout: z.string().optional(),
  connectTimeout: z.string().optional(),
  queueTimeout: z.string().optional(),
  deadline: z.string().optional(),
  class: RunClass.optional(),
  retries: z.int().optional(),
  priority: Priority.optional(),
});

export const Question: z.ZodType<Question> = z.object({
  id: z.string(),
  tenant: z.string(),
  kind: z.enum(['confirm', 'approve', 'stale']),
  command: RunCommandRecord,
  schedule: z.string().optional(),
  asker: z.object({ id: z.string(), name: z.string() }),
  principal: z.object({ tenant: z.string(), id: z.string() }),
  place: Place,
  message: z.string().optional(),
  language: z.enum(['en', 'zh-CN']),
  sentAt: z.int(),
  askedAt: z.int(),
  expiresAt: z.int(),
  decision: z
    .object({ option: z.enum(['yes', 'no']), by: z.string(), actor: z.string(), event: z.string(), at: z.int() })
    .optional(),
});
