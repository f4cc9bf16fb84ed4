import { type Script, script, statesLua, taskLua, timeLua } from './common.ts';
import { eachRunLua } from './task-scripts.ts';

/** KEYS expiring. ARGV limit. Returns the ids of the tasks to look at. */
const due = script(`${timeLua}
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now), 'LIMIT', 0, ARGV[1])
`);

/**
 * Ends the runs of a task that were not started in time. What is with a worker is looked at again when its lease is over: it may
 * come back unstarted.
 * KEYS as in common.ts. ARGV channel, task id, run prefix, look again (ms), then error JSON and its event: expired, lost.
 */
const expireTask = script(`${timeLua}${statesLua}${taskLua}${eachRunLua}
local task = open_task()
if not task or is_final(task.state) then
  redis.call('ZREM', KEYS[6], ARGV[2])
  return 0
end
local look_at
each_run(ARGV[3], ARGV[2], redis.call('HGET', KEYS[2], 'runs'), function(key, id, index)
  local fields = redis.call('HMGET', key, 'state', 'lease', 'fence')
  local state, lease = fields[1], tonumber(fields[2] or 0)
  local run = { key = key, id = id }
  if not state then
    -- It may have been claimed, and started, before its record was lost.
    redis.call('HSET', key, 'index', index, 'target', '')
    end_run(task, run, 'queued', 'unknown', ARGV[7], ARGV[8])
  elseif state == 'running' or is_leased(state) and lease > now then
    local again = math.max(lease, now + ARGV[4])
    look_at = math.min(look_at or again, again)
  elseif not is_final(state) then
    redis.call('HSET', key, 'fence', int(next_fence(fields[3])))
    end_run(task, run, state, 'expired', ARGV[5], ARGV[6])
  end
end)
save_task(task)
if look_at then redis.call('ZADD', KEYS[6], int(look_at), ARGV[2]) end
return 1
`);

export const expiryScripts: Readonly<Record<'due' | 'expireTask', Script>> = { due, expireTask };
