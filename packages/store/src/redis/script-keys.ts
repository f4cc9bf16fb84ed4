import { taskIdOf } from '@moltbot/shared';
import { keys } from './keys.ts';

/** What scripts that move runs are given first (lua/common.ts): KEYS 2 and on. */
const taskKeys = (tenant: string, taskId: string): string[] => [
  keys.task(tenant, taskId),
  keys.events(tenant, taskId),
  ...[keys.ended(tenant), keys.unpublished(tenant), keys.expiring(tenant), keys.unanswered(tenant)],
];

/** Of scripts about a whole task: the first key is of no use to them. */
export const wholeTaskKeys = (tenant: string, taskId: string): string[] => [
  keys.task(tenant, taskId),
  ...taskKeys(tenant, taskId),
];

export const taskHeader = (tenant: string, taskId: string): string[] => [keys.wake(tenant, taskId), taskId];

export interface RunName {
  readonly tenant: string;
  readonly runId: string;
}

/** Of scripts about one run (lua/run-scripts.ts). */
export const runKeys = ({ tenant, runId }: RunName): string[] => [
  keys.run(tenant, runId),
  ...taskKeys(tenant, taskIdOf(runId)),
];

export const outputKeys = ({ tenant, runId }: RunName): string[] => [
  keys.output(tenant, runId, 'stdout'),
  keys.output(tenant, runId, 'stderr'),
];

export const runHeader = ({ tenant, runId }: RunName): string[] => [...taskHeader(tenant, taskIdOf(runId)), runId];
