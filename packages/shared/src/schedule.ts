import { z } from 'zod';
import { durationPattern } from './duration.ts';
import { TenantId } from './principal.ts';
import { runClasses } from './run-class.ts';
import { Name } from './target.ts';

/** What becomes of a local time that does not exist, or comes twice, when clocks change. docs/schedules.md has the table. */
export const dstPolicies = ['skip', 'run-once', 'run-both', 'shift'] as const;
export type DstPolicy = (typeof dstPolicies)[number];

/** What becomes of instants that passed while nobody was there to fire them. */
export const misfirePolicies = ['skip', 'run-once', 'run-all'] as const;
export type MisfirePolicy = (typeof misfirePolicies)[number];

/** What becomes of an instant while the task of an earlier one has not ended. */
export const overlapPolicies = ['allow', 'skip', 'queue', 'cancel-previous'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

export const severities = ['info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** A message about what happened, and by what it is routed. */
export interface NoticeSpec {
  readonly severity: Severity;
  /** Beside those that the source adds itself: `schedule`, `target`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Names of channels of its tenant; overrides the routes. */
  readonly to?: readonly string[] | undefined;
}

/** Tells people when the data of a run meets a condition. */
export interface AlertRule extends NoticeSpec {
  /** A CEL expression over `result`, `target` and `labels` that is true or false: `result.disks.exists(d, d.usedPercent > 90)`. */
  readonly if: string;
  /** Title of the message. */
  readonly title: string;
  /** What a button under the message does. */
  readonly remedy?: Remedy | undefined;
}

export interface Remedy {
  /** Of the button. */
  readonly title: string;
  readonly action: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Target selector. Default: the target that the alert is about. */
  readonly on?: string | undefined;
}

/** The task of every occurrence: a task request that nobody waits for. Durations are words. */
export interface ScheduledTask {
  readonly action: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly on: string;
  readonly timeout?: string | undefined;
  readonly queueTimeout?: string | undefined;
  readonly deadline?: string | undefined;
  readonly class?: (typeof runClasses)[number] | undefined;
  readonly retries?: number | undefined;
  readonly priority: 'interactive' | 'batch';
}

/** A schedule as it is written, in a configuration or to the API; defaults filled in. */
export interface ScheduleSpec {
  readonly description?: string | undefined;
  /** Whom to ask about it. */
  readonly owner?: string | undefined;
  /** Cron of 5 or 6 fields, `@hourly`, `every 90s`, `at 2026-12-01T09:00`, or `RRULE:…` with a `DTSTART`. */
  readonly when: string;
  /** IANA name: `Europe/Berlin`. */
  readonly timezone: string;
  readonly dst: DstPolicy;
  readonly misfire: MisfirePolicy;
  /** Instants that passed longer ago are missed, whatever `misfire` says. */
  readonly misfireWindow: string;
  readonly overlap: OverlapPolicy;
  /** The task starts at most so long after its instant; then the occurrence is missed. Default: none. */
  readonly deadline?: string | undefined;
  /** Each occurrence fires up to so much later; how much follows from its id. Default: none. */
  readonly jitter?: string | undefined;
  /** ISO-8601; no occurrence before. */
  readonly start?: string | undefined;
  /** ISO-8601; no occurrence at or after. */
  readonly end?: string | undefined;
  readonly enabled: boolean;
  /** Names under `calendars`: days on which it runs alone, days on which it does not run. */
  readonly calendars: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** Paused after so many tasks in a row that did not succeed. Default: never. */
  readonly pauseAfter?: number | undefined;
  /** Tells people of each task that did not succeed, and of a pause. */
  readonly onFailure?: NoticeSpec | undefined;
  readonly alerts: readonly AlertRule[];
  readonly task: ScheduledTask;
}

/** What may be written: all but `when` and `task` has a default. */
export type ScheduleSpecInput = Draft<Omit<ScheduleSpec, 'when' | 'task' | 'alerts' | 'onFailure' | 'calendars'>> & {
  readonly when: string;
  readonly task: ScheduledTaskInput;
  readonly onFailure?: Draft<NoticeSpec> | undefined;
  readonly alerts?: readonly AlertRuleInput[] | undefined;
  readonly calendars?: Draft<ScheduleSpec['calendars']> | undefined;
};

type Draft<T> = { readonly [K in keyof T]?: T[K] | undefined };
type AlertRuleInput = Draft<Omit<AlertRule, 'remedy'>> &
  Pick<AlertRule, 'if' | 'title'> & {
    readonly remedy?: (Draft<Remedy> & Pick<Remedy, 'title' | 'action'>) | undefined;
  };
type ScheduledTaskInput = Draft<ScheduledTask> & Pick<ScheduledTask, 'action' | 'on'>;

/** Where a schedule stands beside what is written of it. */
export interface SchedulePause {
  /** `operator`, or `failures` when it paused itself. */
  readonly why: 'operator' | 'failures';
  /** Id of the principal, or `schedule:` and the occurrence whose failure did it. */
  readonly by: string;
  /** Epoch ms. */
  readonly at: number;
}

export interface ScheduleRecord {
  readonly tenant: string;
  readonly id: string;
  readonly spec: ScheduleSpec;
  /** Of the tenant's schedules: grows with each change of any of them. */
  readonly revision: number;
  /** Who it belongs to: what a configuration declares is changed there. */
  readonly source: 'config' | 'api';
  readonly createdBy: string;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Every planned instant up to and with this one is decided; epoch ms. */
  readonly cursor: number;
  /** Planned instants up to and with this one passed while it was paused or disabled. Epoch ms. */
  readonly activeSince: number;
  /** Tasks in a row that did not succeed. */
  readonly failures: number;
  readonly paused?: SchedulePause | undefined;
}

const duration = z.string().regex(durationPattern, 'write a number and a unit: 500ms, 30s, 5m, 1h30m');
const instant = z.iso.datetime({ offset: true, error: 'write an ISO-8601 time such as 2026-01-31T08:00:00Z' });
const notice = {
  severity: z.enum(severities).default('error').describe('info, warning, error or critical.'),
  labels: z.record(Name, z.string().max(128)).default({}).describe('What it is routed by.'),
  to: z
    .array(Name)
    .min(1, 'name a channel, or leave it out')
    .max(20)
    .optional()
    .describe('Channels that tell it, whatever the routes say.'),
};

const alert: z.ZodType<AlertRule, AlertRuleInput> = z.strictObject({
  ...notice,
  if: z.string().min(1).max(2_000).describe('CEL over result, target and labels: result.load.one > 4.0.'),
  title: z.string().min(1).max(200).describe('Title of the message.'),
  remedy: z
    .strictObject({
      title: z.string().min(1).max(80).describe('What the button says.'),
      action: z.string().min(1).max(200).describe('Name of an action.'),
      args: z.record(z.string(), z.unknown()).default({}).describe('Its arguments.'),
      on: z.string().min(1).max(512).optional().describe('Target selector. Default: the target of the alert.'),
    })
    .optional()
    .describe('What a button under the message does, where the channel has buttons.'),
});

const task: z.ZodType<ScheduledTask, ScheduledTaskInput> = z.strictObject({
  action: z.string().min(1).max(200).describe('Name of an action.'),
  args: z.record(z.string(), z.unknown()).default({}).describe('Arguments, as the action asks for them.'),
  on: z.string().min(1).max(512).describe('Target selector.'),
  timeout: duration.optional().describe('Longest time of each run.'),
  queueTimeout: duration.optional().describe('Longest time until the command starts.'),
  deadline: duration.optional().describe('Longest time from acceptance to the end of everything.'),
  class: z.enum(runClasses).optional().describe('readonly, idempotent, guarded or at-most-once.'),
  retries: z.int().min(0).max(10).optional().describe('Further attempts of what is safe to repeat.'),
  priority: z.enum(['interactive', 'batch']).default('batch').describe('batch waits behind interactive.'),
});

/** Names of calendars. */
const calendarNames = (text: string) => z.array(Name).max(20).default([]).describe(text);

const shape = {
  description: z.string().max(500).optional().describe('What it is for.'),
  owner: z.string().max(128).optional().describe('Whom to ask about it.'),
  when: z.string().min(1).max(1_000).describe('Cron, @hourly, every 90s, at 2026-12-01T09:00, or RRULE.'),
  timezone: z.string().max(64).default('UTC').describe('IANA name of a time zone.'),
  dst: z.enum(dstPolicies).default('run-once').describe('Local times that do not exist, or come twice.'),
  misfire: z.enum(misfirePolicies).default('run-once').describe('Instants that passed unattended.'),
  misfireWindow: duration.default('1h').describe('Those longer ago are missed.'),
  overlap: z.enum(overlapPolicies).default('skip').describe('While an earlier task has not ended.'),
  deadline: duration.optional().describe('Latest start after the instant; then it is missed.'),
  jitter: duration.optional().describe('Each occurrence fires up to so much later.'),
  start: instant.optional().describe('No occurrence before.'),
  end: instant.optional().describe('No occurrence at or after.'),
  enabled: z.boolean().default(true).describe('false: it plans nothing.'),
  calendars: z
    .strictObject({
      include: calendarNames('It runs on their days alone.'),
      exclude: calendarNames('It does not run on their days.'),
    })
    .prefault({})
    .describe('Names under calendars.'),
  pauseAfter: z.int().min(1).max(1_000).optional().describe('Paused after so many failures in a row.'),
  alerts: z.array(alert).max(20).default([]).describe('Tells people when the data of a run meets a condition.'),
  onFailure: z.strictObject(notice).optional().describe('Tells people of failures.'),
  task: task.describe('The task of every occurrence.'),
};

export const ScheduleSpec: z.ZodType<ScheduleSpec, ScheduleSpecInput> = z.strictObject(shape);

/** A schedule as a configuration declares it. */
export interface DeclaredSchedule {
  readonly tenant: string;
  /** Unique in its tenant. */
  readonly id: string;
  readonly spec: ScheduleSpec;
}

export const DeclaredSchedule: z.ZodType<
  DeclaredSchedule,
  ScheduleSpecInput & { readonly id: string; readonly tenant?: string | undefined }
> = z
  .strictObject({
    id: Name.describe('Its name, unique in its tenant.'),
    tenant: TenantId.default('default').describe('The tenant it belongs to.'),
    ...shape,
  })
  .transform(({ id, tenant, ...spec }) => ({ id, tenant, spec }));
