import { z } from 'zod';
import { durationPattern, parseDuration } from '../duration.ts';
import { Secret } from '../secret.ts';
import { parseSize, sizePattern } from '../size.ts';

/** A part of the configuration: what is written is not known, what comes out is. */
export type Section<T> = z.ZodType<T, unknown>;

/** Timers of Node fire at once above 2^31 - 1 ms. */
const longestTimer = '24d';

/** The message of every rule of one value: what it must be, and whether it is there at all. */
export function must(rule: string): { error: (issue: { readonly input?: unknown }) => string } {
  return {
    error: ({ input }) => {
      if (input === undefined) return `is missing: must be ${rule}`;
      return input === null ? `has no value: must be ${rule}, or delete it` : `must be ${rule}`;
    },
  };
}

/** A string that matches `pattern`; `rule` says so in words. */
export const text = (pattern: RegExp, rule: string): z.ZodType<string, string> =>
  z.string(must(rule)).regex(pattern, must(rule));

/** A whole number from `min` to `max`. */
export const whole = (min: number, max: number): z.ZodType<number, number> => {
  const rule = must(`a whole number from ${min} to ${max}`);
  return z.int(rule).min(min, rule).max(max, rule);
};

export const oneOf = <const T extends string>(values: readonly T[]): z.ZodType<T, T> =>
  z.enum(values, must(`one of ${values.join(', ')}`));

/** Both in words, both allowed themselves. */
interface Bounds {
  readonly min?: string;
  readonly max?: string;
}

/** `"30s"` to milliseconds. */
export function duration({ min = '1ms', max = longestTimer }: Bounds = {}): z.ZodType<number, string> {
  const rule = must(`a duration from ${min} to ${max}, such as 500ms, 30s, 5m, 1h30m`);
  return z
    .string(rule)
    .regex(durationPattern, { ...rule, abort: true })
    .refine((words) => isWithin(parseDuration(words), parseDuration(min), parseDuration(max)), rule)
    .transform(parseDuration);
}

/** `"64KiB"` to bytes. */
export function size(min: string, max: string): z.ZodType<number, string> {
  const rule = must(`a size from ${min} to ${max}, such as 64KiB or 1MiB`);
  return z
    .string(rule)
    .regex(sizePattern, { ...rule, abort: true })
    .refine((words) => isWithin(parseSize(words), parseSize(min), parseSize(max)), rule)
    .transform(parseSize);
}

export const secret: z.ZodType<Secret, string> = z
  .string(must('text'))
  .min(1, must('text that is not empty'))
  .transform((value) => new Secret(value));

/** A path, absolute or relative to where it is written; made absolute later. */
export const path: z.ZodType<string, string> = z.string(must('a path')).min(1, must('a path'));

/** Something to bind to or connect to: a name or an address, never an option or a URL. */
export const host: z.ZodType<string, string> = text(
  /^[A-Za-z0-9_.:%[\]][A-Za-z0-9_.:%[\]-]*$/,
  'a host name or an IP address',
);

const isWithin = (value: number, min: number, max: number): boolean => value >= min && value <= max;
