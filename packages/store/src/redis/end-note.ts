import type { TaskEnd } from '../port.ts';
import { runFields, runRecordOf } from './run-record.ts';
import { standingOf } from './task-record.ts';

/** Longer ones are not told: whoever waits asks for the record then. */
const bytesAtMost = 2_048;

/**
 * What is told with the end of a task of one run, for those who wait for it, so that they need not ask: a JSON list of the task's
 * counts, cancel and finished, then the values of `runFields`; false where there is none. `task.run_key` is set by the script
 * that ends a run with its worker; other ends are told without.
 */
export const endNoteLua: string = `
local function end_note(task)
  local counts = counts_text(task.counts)
  if not task.run_key or not string.find(counts, '^%S+=1$') then return '' end
  local note = cjson.encode({ counts, task.cancel, int(now), unpack(redis.call('HMGET', task.run_key, ${runFields
    .map((field) => `'${field}'`)
    .join(', ')})) })
  return #note <= ${bytesAtMost} and ' ' .. note or ''
end
`;

/** Reads such a note; undefined when it has another form, as one of another version may. */
export function taskEndOf(taskId: string, note: string): TaskEnd | undefined {
  try {
    const values: (string | false)[] = JSON.parse(note);
    const [counts, cancel, finished, ...fields] = values.map((value) => value || null);
    if (!counts || values.length !== 3 + runFields.length) return undefined;
    return { ...standingOf(counts, [cancel ?? null, finished ?? null]), runs: [runRecordOf(taskId, fields)] };
  } catch {
    return undefined;
  }
}
