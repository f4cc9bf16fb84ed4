/** The rules and why each of them stands; a finding names its rule. */
export const rules = {
  arrow:
    'imports go services → chat → intake → {bus, store, plugin-host} → plugin-sdk → shared, so a part can be read, tested and replaced without those above it',
  plugin:
    'a plugin is written against plugin-sdk (and zod) alone, so that one from outside can do all a first-party one can',
  service: 'services meet on the bus and in the store; only services/standalone composes them',
  testkit: 'what tests start must never ship',
  'deep-import': 'a package is its index.ts; what it does not export may change without notice',
  border: 'a relative import that leaves its package hides a dependency from package.json',
  vendor: 'a vendor SDK behind one file can be upgraded, faked and replaced in that file',
  process:
    'env, signals, exit and the standard streams belong to main.ts and run-main.ts; all else is told, so two can live in one process',
  cycle: 'files that import each other cannot be read one by one, and load half-made',
  size: 'a file is at most 400 lines, a function outside tests at most 60 of its own and 200 with those inside it: what is longer does more than one thing',
} as const;

export type Rule = keyof typeof rules;

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly rule: Rule;
  readonly message: string;
}
