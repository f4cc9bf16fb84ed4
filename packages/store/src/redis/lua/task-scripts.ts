import { type Script, script, statesLua, taskLua, timeLua } from './common.ts';

/** Ids of the task's runs come from its own fields: <task id>.<index>. */
export const eachRunLua = `
local function each_run(prefix, task_id, runs, visit)
  for index = 0, runs - 1 do
    local run_id = task_id .. '.' .. index
    visit(prefix .. run_id, run_id, index)
  end
end
`;

/**
 * KEYS idempotency ('' has none: the task's own key), task, events, tasks, unpublished, expiring, then each run.
 * ARGV task id, task JSON, accepted at, position, idempotency key, request hash, runs, start by ('' for no limit),
 * 1 when its end is awaited (else ''), then index and target JSON of each run.
 */
const accept = script(`${timeLua}
local task_id, key = ARGV[1], ARGV[5]
-- Whoever asked again was told that it stands: the door that was asked first must not withdraw it.
local function same(id)
  local task = string.sub(KEYS[2], 1, -1 - #task_id) .. id
  if key ~= '' and redis.call('EXISTS', task) == 1 then redis.call('HSET', task, 'asked-again', 1) end
  return { 'same', id }
end
local known = key ~= '' and redis.call('GET', KEYS[1])
if known then
  local hash, other = string.match(known, '^(%S*) (.+)$')
  if hash ~= ARGV[6] then return { 'conflict', other } end
  return same(other)
end
local state = redis.call('HGET', KEYS[2], 'state')
if state == 'undeliverable' and key ~= '' then return { 'taken' } end
if key ~= '' then redis.call('SET', KEYS[1], ARGV[6] .. ' ' .. task_id) end
if state then
  -- Learned from its message by an emptied store: the key is known again from here on.
  if key ~= '' then redis.call('HSET', KEYS[2], 'idempotency', key) end
  return same(task_id)
end
redis.call('HSET', KEYS[2], 'task', ARGV[2], 'state', 'queued', 'counts', 'queued=' .. ARGV[7], 'seq', int(now),
  'runs', ARGV[7], 'position', ARGV[4], 'idempotency', key, 'due', ARGV[8], 'callback', ARGV[9])
redis.call('XADD', KEYS[3], int(now) .. '-0', 'e', '{"at":' .. int(now) .. ',"kind":"task","state":"queued"}')
redis.call('ZADD', KEYS[4], 0, ARGV[4])
redis.call('ZADD', KEYS[5], ARGV[3], task_id)
if ARGV[8] ~= '' then redis.call('ZADD', KEYS[6], ARGV[8], task_id) end
for i = 7, #KEYS do
  local arg = 10 + (i - 7) * 2
  redis.call('HSET', KEYS[i], 'state', 'queued', 'index', ARGV[arg], 'target', ARGV[arg + 1])
end
return { 'new' }
`);

/**
 * Makes the records of an order again that are not there: the message wins. Runs of the task that were not seen yet count as queued.
 * KEYS run, task, events, tasks, expiring. ARGV task JSON, position, runs, index, target JSON, start by ('' for no limit),
 * 1 when its end is awaited (else ''), task id, time for its other runs to be learned as well (ms).
 */
const learn = script(`${timeLua}
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('HSET', KEYS[2], 'task', ARGV[1], 'state', 'queued', 'counts', 'queued=' .. ARGV[3], 'seq', int(now),
    'runs', ARGV[3], 'position', ARGV[2], 'idempotency', '', 'due', ARGV[6], 'callback', ARGV[7])
  redis.call('XADD', KEYS[3], int(now) .. '-0', 'e', '{"at":' .. int(now) .. ',"kind":"task","state":"queued"}')
  redis.call('ZADD', KEYS[4], 0, ARGV[2])
  if ARGV[6] ~= '' then redis.call('ZADD', KEYS[5], int(math.max(ARGV[6], now + ARGV[9])), ARGV[8]) end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  local cancel = redis.call('HGET', KEYS[2], 'cancel')
  redis.call('HSET', KEYS[1], 'state', 'queued', 'index', ARGV[4], 'target', ARGV[5], 'learned', 1)
  if cancel then redis.call('HSET', KEYS[1], 'cancel', 1) end
end
return 1
`);

/**
 * KEYS unpublished. ARGV older than (ms), limit, task prefix, run prefix.
 * Returns of each task: its JSON, then index and target JSON of each run.
 */
const unpublished = script(`${timeLua}${eachRunLua}
local found = {}
for _, task_id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now - ARGV[1]), 'LIMIT', 0, ARGV[2])) do
  local task = redis.call('HMGET', ARGV[3] .. task_id, 'task', 'runs')
  if task[1] then
    local entry = { task[1] }
    each_run(ARGV[4], task_id, task[2], function(key)
      local run = redis.call('HMGET', key, 'index', 'target')
      if run[1] then
        entry[#entry + 1] = run[1]
        entry[#entry + 1] = run[2]
      end
    end)
    found[#found + 1] = entry
  else
    redis.call('ZREM', KEYS[1], task_id)
  end
end
return found
`);

/** KEYS task. ARGV task id, run prefix, then the fields wanted. Returns the fields of each run. */
const runs = script(`${eachRunLua}
local found = {}
each_run(ARGV[2], ARGV[1], redis.call('HGET', KEYS[1], 'runs') or 0, function(key)
  local fields = redis.call('HMGET', key, unpack(ARGV, 3))
  if fields[1] then found[#found + 1] = fields end
end)
return found
`);

/**
 * Its client is told that it was refused: nobody is to be answered.
 * KEYS as in common.ts. ARGV channel, task id, run prefix, idempotency prefix, error JSON, event of the error, position.
 */
const withdraw = script(`${timeLua}${statesLua}${taskLua}${eachRunLua}
local task = open_task()
if not task then return 'withdrawn' end
local given = redis.call('HMGET', KEYS[2], 'runs', 'idempotency', 'asked-again', 'position')
local stands = given[3] or given[4] ~= ARGV[7]
each_run(ARGV[3], ARGV[2], given[1], function(key)
  stands = stands or redis.call('HEXISTS', key, 'fence') == 1
end)
if stands then return 'kept' end
each_run(ARGV[3], ARGV[2], given[1], function(key, run_id)
  if redis.call('HGET', key, 'state') ~= 'queued' then return end
  end_run(task, { key = key, id = run_id }, 'queued', 'undeliverable', ARGV[5], ARGV[6])
end)
save_task(task)
if task.callback == '1' then redis.call('ZREM', KEYS[7], ARGV[2]) end
if given[2] and given[2] ~= '' then
  redis.call('DEL', ARGV[4] .. given[2])
  redis.call('HSET', KEYS[2], 'idempotency', '')
end
return 'withdrawn'
`);

/**
 * KEYS as in common.ts. ARGV channel, task id, run prefix.
 * Returns { absent | final | requested, state, task JSON, then index and target JSON of each leased run }.
 */
const cancel = script(`${timeLua}${statesLua}${taskLua}${eachRunLua}
local task = open_task()
if not task then return { 'absent' } end
if is_final(task.state) then return { 'final', task.state, redis.call('HGET', KEYS[2], 'cancel') or '' } end
redis.call('HSET', KEYS[2], 'cancel', 1)
local given = redis.call('HMGET', KEYS[2], 'runs', 'task')
local reply = { 'requested', '', given[2] }
each_run(ARGV[3], ARGV[2], given[1], function(key, run_id)
  local run = redis.call('HMGET', key, 'state', 'index', 'target')
  local state = run[1]
  if is_leased(state) then
    redis.call('HSET', key, 'cancel', 1)
    reply[#reply + 1] = run[2]
    reply[#reply + 1] = run[3]
  elseif state and not is_final(state) then
    end_run(task, { key = key, id = run_id }, state, 'cancelled')
  end
end)
reply[2] = save_task(task)
return reply
`);

/**
 * Forgets tasks that ended long ago. KEYS ended, tasks, unpublished, unanswered.
 * ARGV kept for (ms), limit, then the prefixes of task, run, events, stdout, stderr, idempotency. Returns their number.
 */
const expire = script(`${timeLua}${eachRunLua}
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now - ARGV[1]), 'LIMIT', 0, ARGV[2])
for _, task_id in ipairs(old) do
  local key = ARGV[3] .. task_id
  local task = redis.call('HMGET', key, 'runs', 'position', 'idempotency')
  each_run('', task_id, task[1] or 0, function(_, run_id)
    redis.call('UNLINK', ARGV[4] .. run_id, ARGV[6] .. run_id, ARGV[7] .. run_id)
  end)
  if task[2] then redis.call('ZREM', KEYS[2], task[2]) end
  if task[3] and task[3] ~= '' then redis.call('DEL', ARGV[8] .. task[3]) end
  redis.call('UNLINK', key, ARGV[5] .. task_id)
  redis.call('ZREM', KEYS[3], task_id)
  redis.call('ZREM', KEYS[4], task_id)
  redis.call('ZREM', KEYS[1], task_id)
end
return #old
`);

export const taskScripts: Readonly<
  Record<'accept' | 'learn' | 'unpublished' | 'runs' | 'withdraw' | 'cancel' | 'expire', Script>
> = { accept, learn, unpublished, runs, withdraw, cancel, expire };
