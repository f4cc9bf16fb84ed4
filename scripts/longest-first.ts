import { join } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, those that wait between those that compute: none of them is to be the last one running. */
const longest: readonly string[] = [
  'e2e/guarded.test.ts',
  'packages/schedules/test/dst-oracle.test.ts',
  'packages/bus/test/amqp-faults.test.ts',
  'e2e/chaos.test.ts',
  'e2e/schedules-emptied.test.ts',
  'e2e/first-start.test.ts',
  'services/executor/test/transports/ssh-exec.test.ts',
  'plugins/system/test/linux.test.ts',
  'packages/store/test/redis.test.ts',
  'services/executor/test/transports/guard-job.test.ts',
  'services/executor/test/transports/guard-rare.test.ts',
  'services/scheduler/test/time-travel.test.ts',
];

const checkout = join(import.meta.dirname, '..');
const rank = new Map(longest.map((file, index) => [join(checkout, file), index]));
const rankOf = ({ moduleId }: TestSpecification): number => rank.get(moduleId) ?? longest.length;

/** On a fresh clone Vitest knows no durations, and begins with the largest file. The order of the rest is Vitest's own. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}
