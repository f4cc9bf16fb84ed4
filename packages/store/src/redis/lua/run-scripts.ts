import { type Script, script, statesLua, taskLua, timeLua } from './common.ts';

/** Each takes KEYS run, task, events, ended, unpublished (stdout, stderr); ARGV channel, task id, run id, then its own. */
const head = `${timeLua}${statesLua}${taskLua}`;

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

/** ARGV 4 worker, 5 lease (ms), 6 redelivered, 7 published at, 8 start. Returns { verdict, state | retry after (ms) | fence, attempt }. */
const claim = script(`${head}${lossLua}
local worker, lease_ms = ARGV[4], tonumber(ARGV[5])
local run = redis.call('HMGET', KEYS[1], 'state', 'fence', 'attempts', 'lease', 'worker', 'cancel')
local state = run[1]
if not state then return { 'absent' } end
if is_final(state) then return { 'final', state } end
local left = tonumber(run[4] or 0) - now
if left > 0 and (state == 'running' or state == 'claimed' and run[5] ~= worker) then return { 'busy', left } end
if state == 'held' then return { 'busy', lease_ms } end

local task = open_task()
if not task then return { 'absent' } end
local lost = state == 'running' or ARGV[6] == '1' and may_have_lost(ARGV[7])
if run[6] and not lost then
  redis.call('HSET', KEYS[1], 'state', 'cancelled', 'finished', int(now))
  count_move(task, state, 'cancelled')
  run_event(task, ARGV[3], 'cancelled')
  save_task(task)
  return { 'final', 'cancelled' }
end

local fence = next_fence(run[2])
local attempts = (run[3] or 0) + (lost and 0 or 1)
-- What may have started is kept as running, so that no later claim takes it for new.
local to = (lost or ARGV[8] == '1') and 'running' or 'claimed'
redis.call('HSET', KEYS[1], 'state', to, 'fence', int(fence), 'attempts', attempts, 'worker', worker, 'lease', int(now + lease_ms))
if to ~= state then
  count_move(task, state, to)
  if to == 'running' then
    redis.call('HSET', KEYS[1], 'started', int(now))
    run_event(task, ARGV[3], 'running')
  end
  save_task(task)
end
return { lost and 'lost' or 'run', fence, attempts }
`);

/** ARGV 4 fence. */
const start = script(`${head}
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'cancel')
if run[1] ~= ARGV[4] then return 'fenced' end
if run[2] == 'cancelled' then return 'cancelled' end
if run[2] ~= 'claimed' then return 'illegal' end
local task = open_task()
local to = run[3] and 'cancelled' or 'running'
redis.call('HSET', KEYS[1], 'state', to, run[3] and 'finished' or 'started', int(now))
count_move(task, 'claimed', to)
run_event(task, ARGV[3], to)
save_task(task)
return run[3] and 'cancelled' or 'ok'
`);

/** ARGV 4 fence. A cancel that waited for this worker is done here: nobody has to claim the run only to end it. */
const release = script(`${head}
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'cancel')
if run[1] ~= ARGV[4] then return 'fenced' end
if run[2] ~= 'claimed' then return 'illegal' end
local task = open_task()
if run[3] then
  redis.call('HSET', KEYS[1], 'state', 'cancelled', 'finished', int(now))
  count_move(task, 'claimed', 'cancelled')
  run_event(task, ARGV[3], 'cancelled')
else
  redis.call('HSET', KEYS[1], 'state', 'queued')
  redis.call('HDEL', KEYS[1], 'lease', 'worker')
  count_move(task, 'claimed', 'queued')
end
save_task(task)
return 'ok'
`);

/** KEYS runs. ARGV lease (ms), then the fence of each. Returns of each 0 lost, 1 held, 2 held and to be cancelled. */
const renew = script(`${timeLua}
local until_ms, held = int(now + ARGV[1]), {}
for i, key in ipairs(KEYS) do
  local run = redis.call('HMGET', key, 'fence', 'state', 'cancel')
  held[i] = 0
  if run[1] == ARGV[i + 1] and (run[2] == 'claimed' or run[2] == 'running') then
    redis.call('HSET', key, 'lease', until_ms)
    held[i] = run[3] and 2 or 1
  end
end
return held
`);

/** Chunks are pairs of stream and data from ARGV[first] on; their first \`skip\` bytes are stored already. */
const outputLua = `
local function store_output(task, run_id, bytes, first, skip)
  for i = first, #ARGV, 2 do
    local stream, data = ARGV[i], ARGV[i + 1]
    local cut = math.min(skip, #data)
    skip = skip - cut
    if cut > 0 then data = string.sub(data, cut + 1) end
    if #data > 0 then
      redis.call('APPEND', stream == 'stdout' and KEYS[6] or KEYS[7], data)
      emit(task, ',"kind":"output","runId":"' .. run_id .. '","stream":"' .. stream .. '","offset":' .. int(bytes[stream])
        .. ',"length":' .. #data)
      bytes[stream] = bytes[stream] + #data
    end
  end
end
`;

/** ARGV 4 fence, 5 at, then chunks. Returns { ok | fenced } or { gap, stored bytes }. */
const append = script(`${head}${outputLua}
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'stdout', 'stderr')
if run[1] ~= ARGV[4] or run[2] ~= 'running' then return { 'fenced' } end
local bytes = { stdout = tonumber(run[3] or 0), stderr = tonumber(run[4] or 0) }
local stored = bytes.stdout + bytes.stderr
if tonumber(ARGV[5]) ~= stored then return { 'gap', stored } end
local task = open_task()
store_output(task, ARGV[3], bytes, 6, 0)
redis.call('HSET', KEYS[1], 'stdout', int(bytes.stdout), 'stderr', int(bytes.stderr))
save_task(task)
return { 'ok' }
`);

/**
 * ARGV 4 fence, 5 state, 6 states before it, 7 more of the event, 8 truncated, 9 output kept for (ms), 10 at (-1 without output),
 * 11 exit code, 12 signal, 13 error JSON ('' for none), then chunks.
 * Output between what is stored and \`at\` was lost with the store: that shows as truncated.
 */
const finish = script(`${head}${outputLua}
local to = ARGV[5]
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'stdout', 'stderr')
if run[1] ~= ARGV[4] then return 'fenced' end
if is_final(run[2]) then return run[2] == to and 'ok' or 'illegal' end
if not string.find(ARGV[6], ' ' .. run[2] .. ' ', 1, true) then return 'illegal' end
local task = open_task()
local bytes = { stdout = tonumber(run[3] or 0), stderr = tonumber(run[4] or 0) }
local at, stored = tonumber(ARGV[10]), bytes.stdout + bytes.stderr
if at >= 0 then store_output(task, ARGV[3], bytes, 14, math.max(0, stored - at)) end
local truncated = (ARGV[8] == '1' or at > stored) and 1 or 0
redis.call('HSET', KEYS[1], 'state', to, 'finished', int(now), 'exit', ARGV[11], 'signal', ARGV[12], 'error', ARGV[13],
  'truncated', truncated, 'stdout', int(bytes.stdout), 'stderr', int(bytes.stderr))
if bytes.stdout > 0 then redis.call('PEXPIRE', KEYS[6], ARGV[9]) end
if bytes.stderr > 0 then redis.call('PEXPIRE', KEYS[7], ARGV[9]) end
count_move(task, run[2], to)
run_event(task, ARGV[3], to, ARGV[7])
save_task(task)
return 'ok'
`);

/** ARGV 4 state, 5 states before it, 6 more of the event, 7 error JSON. A holder whose lease is over is fenced off. */
const abandon = script(`${head}
local to = ARGV[4]
local run = redis.call('HMGET', KEYS[1], 'state', 'fence', 'lease')
local state = run[1]
if not state then return 'absent' end
if state == to then return 'ok' end
local waiting = state == 'queued' or state == 'claimed' and tonumber(run[3] or 0) <= now
if not waiting or not string.find(ARGV[5], ' ' .. state .. ' ', 1, true) then return 'illegal' end
local task = open_task()
redis.call('HSET', KEYS[1], 'state', to, 'fence', int(next_fence(run[2])), 'finished', int(now), 'error', ARGV[7])
count_move(task, state, to)
run_event(task, ARGV[3], to, ARGV[6])
save_task(task)
return 'ok'
`);

/** KEYS run, output. ARGV field of the stream, from (negative: from the end), most bytes. Returns { total, from, data } or nothing. */
const read = script(`
local run = redis.call('HMGET', KEYS[1], 'state', ARGV[1])
if not run[1] then return {} end
local total, from, most = tonumber(run[2] or 0), tonumber(ARGV[2]), tonumber(ARGV[3])
if from < 0 then from = total + from end
from = math.max(0, math.min(total, from))
local data = most > 0 and redis.call('GETRANGE', KEYS[2], from, from + most - 1) or ''
return { total, from, data }
`);

export const runScripts: Readonly<
  Record<'claim' | 'start' | 'release' | 'renew' | 'append' | 'finish' | 'abandon' | 'read', Script>
> = { claim, start, release, renew, append, finish, abandon, read };
