import { claimScript as claim } from './claim-script.ts';
import { type Script, script, statesLua, taskLua, timeLua } from './common.ts';

/** Each takes KEYS run, then those of common.ts (then stdout, stderr); ARGV channel, task id, run id, then its own. */
const head = `${timeLua}${statesLua}${taskLua}`;

/** ARGV 4 fence. */
const start = script(`${head}
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'cancel')
if run[1] ~= ARGV[4] then return 'fenced' end
if run[2] == 'cancelled' then return 'cancelled' end
if run[2] ~= 'claimed' then return 'illegal' end
local task = open_task()
if run[3] then
  end_run(task, { key = KEYS[1], id = ARGV[3] }, 'claimed', 'cancelled')
else
  redis.call('HSET', KEYS[1], 'state', 'running', 'started', int(now))
  count_move(task, 'claimed', 'running')
  run_event(task, ARGV[3], 'running')
end
save_task(task)
return run[3] and 'cancelled' or 'ok'
`);

/** KEYS runs. ARGV lease (ms), then the fence of each. Returns of each 0 lost, 1 held, 2 held and to be cancelled. */
const renew = script(`${timeLua}${statesLua}
local until_ms, held = int(now + ARGV[1]), {}
for i, key in ipairs(KEYS) do
  local run = redis.call('HMGET', key, 'fence', 'state', 'cancel')
  held[i] = 0
  if run[1] == ARGV[i + 1] and is_leased(run[2]) then
    redis.call('HSET', key, 'lease', until_ms)
    held[i] = run[3] and 2 or 1
  end
end
return held
`);

/** Chunks are pairs of stream and data from ARGV[first] on. */
const outputLua = `
local function stored_bytes(stdout, stderr) return { stdout = tonumber(stdout or 0), stderr = tonumber(stderr or 0) } end

-- Their first \`skip\` bytes are stored already.
local function store_output(task, run_id, bytes, first, skip)
  for i = first, #ARGV, 2 do
    local stream, data = ARGV[i], ARGV[i + 1]
    local cut = math.min(skip, #data)
    skip = skip - cut
    if cut > 0 then data = string.sub(data, cut + 1) end
    if #data > 0 then
      redis.call('APPEND', stream == 'stdout' and KEYS[8] or KEYS[9], data)
      emit(task, ',"kind":"output","runId":"' .. run_id .. '","stream":"' .. stream .. '","offset":' .. int(bytes[stream])
        .. ',"length":' .. #data)
      bytes[stream] = bytes[stream] + #data
    end
  end
end

-- The rest that its holder had, which began at \`at\` (-1 for none). Returns 1 when output before it was lost with the store.
local function store_rest(task, run_id, bytes, at, first)
  local stored = bytes.stdout + bytes.stderr
  if at >= 0 then store_output(task, run_id, bytes, first, math.max(0, stored - at)) end
  return at > stored and 1 or nil
end
`;

/** ARGV 4 fence, 5 at, then chunks. Returns { ok | fenced } or { gap, stored bytes }. */
const append = script(`${head}${outputLua}
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'stdout', 'stderr')
if run[1] ~= ARGV[4] or run[2] ~= 'running' then return { 'fenced' } end
local bytes = stored_bytes(run[3], run[4])
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
 * 11 exit code, 12 signal, 13 error JSON, 14 data JSON ('' for none), then chunks.
 * Output between what is stored and \`at\` was lost with the store: that shows as truncated.
 */
const finish = script(`${head}${outputLua}
local to = ARGV[5]
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'stdout', 'stderr', 'truncated')
if run[1] ~= ARGV[4] then return 'fenced' end
if is_final(run[2]) then return run[2] == to and 'ok' or 'illegal' end
if not string.find(ARGV[6], ' ' .. run[2] .. ' ', 1, true) then return 'illegal' end
local task = open_task()
local bytes = stored_bytes(run[3], run[4])
local gap = store_rest(task, ARGV[3], bytes, tonumber(ARGV[10]), 15)
local truncated = (ARGV[8] == '1' or gap or run[5] == '1') and 1 or 0
redis.call('HSET', KEYS[1], 'state', to, 'finished', int(now), 'exit', ARGV[11], 'signal', ARGV[12], 'error', ARGV[13],
  'truncated', truncated, 'stdout', int(bytes.stdout), 'stderr', int(bytes.stderr))
if ARGV[14] ~= '' then redis.call('HSET', KEYS[1], 'data', ARGV[14]) end
if bytes.stdout > 0 then redis.call('PEXPIRE', KEYS[8], ARGV[9]) end
if bytes.stderr > 0 then redis.call('PEXPIRE', KEYS[9], ARGV[9]) end
count_move(task, run[2], to)
run_event(task, ARGV[3], to, ARGV[7])
task.run_key = KEYS[1]
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
redis.call('HSET', KEYS[1], 'fence', int(next_fence(run[2])))
end_run(task, { key = KEYS[1], id = ARGV[3] }, state, to, ARGV[7], ARGV[6])
save_task(task)
return 'ok'
`);

/**
 * The state of a leased run and its output are written, and its holder is fenced off. \`let-go\` keeps how it went, for a call
 * whose answer was lost and that comes again.
 */
const letGoLua = `
local function let_go(task, how, to, bytes, truncated)
  local fence = ARGV[4]
  redis.call('HSET', KEYS[1], 'state', to, 'fence', int(next_fence(fence)), 'let-go', how .. ' ' .. fence, 'lease', 0,
    'stdout', int(bytes.stdout), 'stderr', int(bytes.stderr))
  redis.call('HDEL', KEYS[1], 'claim')
  if to ~= 'running' then redis.call('HDEL', KEYS[1], 'worker') end
  if truncated then redis.call('HSET', KEYS[1], 'truncated', 1) end
end
`;

/** ARGV 4 fence, 5 at, then chunks. A cancel that waited for this worker is done here: nobody has to claim the run only to end it. */
const release = script(`${head}${outputLua}${letGoLua}
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'cancel', 'let-go', 'stdout', 'stderr')
local state = run[2]
if run[1] ~= ARGV[4] then return run[4] == 'release ' .. ARGV[4] and 'ok' or 'fenced' end
if not is_leased(state) then return 'illegal' end
local task = open_task()
local bytes = stored_bytes(run[5], run[6])
local truncated = store_rest(task, ARGV[3], bytes, tonumber(ARGV[5]), 6)
local to = state == 'claimed' and 'queued' or state
let_go(task, 'release', to, bytes, truncated)
if to ~= state then
  if run[3] then
    end_run(task, { key = KEYS[1], id = ARGV[3] }, state, 'cancelled')
  else
    count_move(task, state, to)
  end
end
save_task(task)
return 'ok'
`);

/**
 * ARGV 4 fence, 5 at, 6 delay (ms), 7 error JSON, 8 more of the event, 9 \`<output kept for (ms)> <stdout key> <stderr key>\`,
 * then chunks.
 */
const retry = script(`${head}${outputLua}${letGoLua}
local run = redis.call('HMGET', KEYS[1], 'fence', 'state', 'cancel', 'let-go', 'stdout', 'stderr', 'attempts', 'history')
local state = run[2]
if run[1] ~= ARGV[4] then
  if run[4] == 'retry ' .. ARGV[4] then return 'ok' end
  return run[4] == 'cancel ' .. ARGV[4] and 'cancelled' or 'fenced'
end
if state == 'cancelled' then return 'cancelled' end
if not is_leased(state) then return 'illegal' end
local task = open_task()
local bytes = stored_bytes(run[5], run[6])
local truncated = store_rest(task, ARGV[3], bytes, tonumber(ARGV[5]), 10)
let_go(task, run[3] and 'cancel' or 'retry', 'queued', bytes, truncated)
redis.call('HSET', KEYS[1], 'output', ARGV[9])
if run[3] then
  end_run(task, { key = KEYS[1], id = ARGV[3] }, state, 'cancelled')
  save_task(task)
  return 'cancelled'
end
local note = '{"attempt":' .. (run[7] or 0) .. ',"error":' .. ARGV[7] .. ',"endedAt":' .. int(now) .. ',"stdoutBytes":'
  .. int(bytes.stdout) .. ',"stderrBytes":' .. int(bytes.stderr) .. '}'
local history = run[8] and string.sub(run[8], 1, -2) .. ',' .. note .. ']' or '[' .. note .. ']'
local retry_at = int(now + ARGV[6])
redis.call('HSET', KEYS[1], 'history', history, 'retry-at', retry_at)
redis.call('HDEL', KEYS[1], 'started')
count_move(task, state, 'queued')
run_event(task, ARGV[3], 'queued', ARGV[8] .. ',"retryAt":' .. retry_at)
save_task(task)
return 'ok'
`);

/** ARGV 4 resolution JSON, 5 event. */
const resolve = script(`${head}
local run = redis.call('HMGET', KEYS[1], 'state', 'resolution')
local task = open_task()
if not run[1] or not task then return 'absent' end
if run[1] ~= 'unknown' or run[2] then return 'closed' end
redis.call('HSET', KEYS[1], 'resolution', ARGV[4])
emit(task, ARGV[5])
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
  Record<
    'claim' | 'start' | 'release' | 'retry' | 'renew' | 'append' | 'finish' | 'abandon' | 'resolve' | 'read',
    Script
  >
> = { claim, start, release, retry, renew, append, finish, abandon, resolve, read };
