import { MoltError, type RunRecord } from '@moltbot/shared';
import { z } from 'zod';

/** The query of a route about one run of a task. */
export const runChoice: Readonly<Record<'target' | 'run', z.ZodType<string | undefined, string | undefined>>> = {
  target: z.string().max(128).optional().describe('Name of a target. May be left out when the task has one run.'),
  run: z.string().max(128).optional().describe('Id of a run, in place of a target.'),
};

const namesInMessage = 20;

/** @throws MOLT_BAD_REQUEST when it takes a name to tell, MOLT_NOT_FOUND */
export function chooseRun(
  runs: readonly RunRecord[],
  query: { run?: string | undefined; target?: string | undefined },
): RunRecord {
  const { run: id, target } = query;
  const [only] = runs;
  const names = runs.slice(0, namesInMessage).map((run) => run.target);
  const all = names.join(', ') + (runs.length > names.length ? ` and ${runs.length - names.length} more` : '');
  if (id === undefined && target === undefined) {
    if (only && runs.length === 1) return only;
    throw new MoltError('MOLT_BAD_REQUEST', `the task has ${runs.length} runs; name a target: ${all}`, {
      places: [{ path: '/query/target', message: `is required: one of ${all}` }],
    });
  }
  const found = runs.find(
    (run) => (id === undefined || run.id === id) && (target === undefined || run.target === target),
  );
  if (!found) throw new MoltError('MOLT_NOT_FOUND', `the task has no such run; its targets are ${all}`);
  return found;
}
