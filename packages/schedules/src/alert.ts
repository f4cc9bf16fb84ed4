import { Environment } from '@marcbachmann/cel-js';
import type { AlertRule, JsonValue } from '@moltbot/shared';
import { badSchedule } from './when/bad-schedule.ts';

/** What an alert looks at. */
export interface AlertScope {
  /** The data of a run. */
  readonly result: JsonValue;
  /** The name of its target. */
  readonly target: string;
  /** The labels of the alert itself. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface Alert {
  readonly rule: AlertRule;
  /** @throws MOLT_BAD_SCHEDULE when the result has not what the condition asks for, or the condition is neither true nor false */
  isMet(scope: AlertScope): boolean;
}

const environment = new Environment({ enableOptionalTypes: true })
  .registerVariable('result', 'dyn')
  .registerVariable('target', 'string')
  .registerVariable('labels', 'map<string, string>');

/** Compiles conditions written in CEL (https://cel.dev). @throws MOLT_BAD_SCHEDULE saying what is wrong and where */
export const compileAlerts = (rules: readonly AlertRule[]): readonly Alert[] => rules.map(compile);

function compile(rule: AlertRule, index: number): Alert {
  const path = `/alerts/${index}/if`;
  const fail = (why: string) => badSchedule(path, why);
  const condition = parse(rule.if, fail);
  const { valid, type, error } = condition.check();
  if (!valid) throw fail(firstLine(error));
  if (type !== 'bool' && type !== 'dyn') throw fail(`it is a ${type}, and not true or false`);
  return {
    rule,
    isMet(scope) {
      const value = evaluate(() => condition({ ...scope }), fail);
      if (typeof value !== 'boolean') throw fail(`it came to ${typeof value}, and not to true or false`);
      return value;
    },
  };
}

type Fail = (why: string) => Error;

function parse(text: string, fail: Fail) {
  return evaluate(() => environment.parse(text), fail);
}

function evaluate<T>(work: () => T, fail: Fail): T {
  try {
    return work();
  } catch (error) {
    throw fail(firstLine(error));
  }
}

/** The library draws the place below its message. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
