import { z } from 'zod';

/**
 * What may be done when it is not known whether a command ran.
 * - `readonly`, `idempotent`: it may run again.
 * - `guarded`: the target keeps a record of it; whoever comes later attaches to it, and it never starts twice.
 * - `at-most-once`: no record on the target; when in doubt the run ends `unknown`.
 */
export type RunClass = 'readonly' | 'idempotent' | 'guarded' | 'at-most-once';

export const runClasses = ['readonly', 'idempotent', 'guarded', 'at-most-once'] as const;

export const RunClass: z.ZodType<RunClass, RunClass> = z.enum(runClasses);

export const mayRunAgain = (runClass: RunClass): boolean => runClass === 'readonly' || runClass === 'idempotent';
