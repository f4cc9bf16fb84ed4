import { type Script, script, statesLua, taskLua, timeLua } from './common.ts';

/**
 * With appendfsync everysec, a server that was killed comes back without its last second. A message that was delivered before,
 * to a record older than this server, may have started a command whose record was in that second.
 */
const lossLua = `
local clock_skew_ms = 2000
local function may_have_lost(published_at)
  local info = redis.pcall('INFO', 'server')
  local uptime = type(info) == 'string' and string.match(info, 'uptime_in_seconds:(%d+)')
  return not uptime or tonumber(published_at) < now - uptime * 1000 + clock_skew_ms
end
`;

/**
 * KEYS as in run-scripts.ts. ARGV 4 worker, 5 lease (ms), 6 redelivered, 7 published at, 8 start, 9 claim id.
 * Returns { absent }, { final, state }, { busy, retry after (ms), cancel or '', running for (ms) }
 * or { run | lost, fence, attempt, stdout, stderr, history JSON, started, cancel, learned }; what is not there is nil.
 */
export const claimScript: Script = script(`${timeLua}${statesLua}${taskLua}${lossLua}
local worker, lease_ms, wants_start = ARGV[4], tonumber(ARGV[5]), ARGV[8] == '1'
local run = redis.call('HMGET', KEYS[1], 'state', 'fence', 'attempts', 'lease', 'worker', 'cancel', 'claim', 'stdout', 'stderr',
  'history', 'started', 'learned')
local state, cancel = run[1], run[6]
-- What was said of it before is to be looked up first.
if run[12] then wants_start = false end
if not state then return { 'absent' } end
if is_final(state) then return { 'final', state } end
-- Whoever lets go of a run takes the claim away: while it is there, its worker holds the run.
local again = run[7] and (run[7] == 'run ' .. ARGV[9] and 'run' or run[7] == 'lost ' .. ARGV[9] and 'lost')
local left = tonumber(run[4] or 0) - now
if left > 0 and not again and (state == 'running' or state == 'claimed' and run[5] ~= worker) then
  return { 'busy', left, cancel or '', run[11] and now - run[11] or 0 }
end
if state == 'held' then return { 'busy', lease_ms, cancel or '', 0 } end

local task = open_task()
if not task then return { 'absent' } end
-- There was a record before there was a message: one that was learned and never claimed since has been lost.
local forgot = ARGV[6] == '1' and (run[12] and not run[3] or may_have_lost(ARGV[7]))
local lost = again == 'lost' or not again and (state == 'running' or forgot)
local nothing_new = again and (state == 'running' or not wants_start)
if cancel and not lost and not nothing_new then
  end_run(task, { key = KEYS[1], id = ARGV[3] }, state, 'cancelled')
  save_task(task)
  return { 'final', 'cancelled' }
end

local fence, attempts, verdict = run[2], tonumber(run[3] or 0), lost and 'lost' or 'run'
if not again then
  fence = int(next_fence(fence))
  -- What may have started was an attempt, if the record knows of it or not.
  attempts = lost and math.max(1, attempts) or attempts + 1
end
-- What may have started is kept as running, so that no later claim takes it for new.
local to = (lost or wants_start or state == 'running') and 'running' or 'claimed'
local starts = to == 'running' and to ~= state
local started = starts and int(now) or run[11]
redis.call('HSET', KEYS[1], 'state', to, 'fence', fence, 'attempts', attempts, 'worker', worker, 'lease', int(now + lease_ms),
  'claim', verdict .. ' ' .. ARGV[9], unpack(starts and { 'started', started } or {}))
-- A run that was never tried before has no time of its next try.
if run[10] then redis.call('HDEL', KEYS[1], 'retry-at') end
if to ~= state then
  count_move(task, state, to)
  if starts then run_event(task, ARGV[3], 'running') end
  save_task(task)
end
return { verdict, fence, attempts, run[8], run[9], run[10], started, cancel, run[12] }
`);
