import { occurrenceMoves } from '../../schedule-moves.ts';
import { type Script, script, timeLua } from './common.ts';

/** Keys of every script about one schedule: KEYS schedule, schedules, changes, occurrences, order, open, decided. ARGV[1] schedule id. */
const head = `${timeLua}
local function last_revision()
  local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  return tonumber(last[2] or 0)
end

local function note_change()
  local revision = next_fence(last_revision())
  redis.call('ZADD', KEYS[3], int(revision), ARGV[1])
  return int(revision)
end
`;

/** ARGV 2 spec JSON, 3 plan, 4 source, 5 by, 6 enabled, then the fields wanted. Returns the outcome and the fields. */
const put = script(`${head}
local function answer(outcome) return { outcome, redis.call('HMGET', KEYS[1], unpack(ARGV, 7)) } end

local f = redis.call('HMGET', KEYS[1], 'json', 'plan', 'source', 'enabled', 'cursor', 'active')
if f[3] and f[3] ~= ARGV[4] then return answer('foreign') end
if f[1] == ARGV[2] and f[2] == ARGV[3] then return answer('same') end
local cursor, active = int(now), int(now)
if f[2] == ARGV[3] then
  cursor = f[5]
  if f[4] == '1' or ARGV[6] == '0' then active = f[6] end
end
redis.call('HSET', KEYS[1], 'json', ARGV[2], 'plan', ARGV[3], 'source', ARGV[4], 'enabled', ARGV[6], 'updated', int(now),
  'cursor', cursor, 'active', active, 'revision', note_change())
redis.call('HSETNX', KEYS[1], 'by', ARGV[5])
redis.call('HSETNX', KEYS[1], 'created', int(now))
redis.call('HSETNX', KEYS[1], 'failures', 0)
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return answer(f[1] and 'replaced' or 'created')
`);

/** ARGV from 2: fields and values, without the revision. Returns 1 when it was absent. */
const restore = script(`${head}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'revision', note_change(), unpack(ARGV, 2))
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1
`);

/** ARGV 2 source. */
const drop = script(`${head}
local source = redis.call('HGET', KEYS[1], 'source')
if not source then return 'absent' end
if source ~= ARGV[2] then return 'foreign' end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
note_change()
return 'ok'
`);

/** ARGV 2 why, 3 by: both empty to resume. */
const pause = script(`${head}
local f = redis.call('HMGET', KEYS[1], 'source', 'pause')
if not f[1] then return 'absent' end
if ARGV[2] == '' then
  if not f[2] then return 'same' end
  redis.call('HDEL', KEYS[1], 'pause')
  redis.call('HSET', KEYS[1], 'active', int(now), 'failures', 0, 'revision', note_change())
  return 'ok'
end
if f[2] then return 'same' end
redis.call('HSET', KEYS[1], 'pause', ARGV[2] .. ' ' .. int(now) .. ' ' .. ARGV[3], 'revision', note_change())
return 'ok'
`);

/**
 * KEYS changes. ARGV after, limit, schedule prefix, then the fields wanted. Returns the last revision, then of each change the id, its
 * revision and the fields: one trip for all, as whoever takes over reads them all.
 */
const changed = script(`
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local answer = { last[2] or '0' }
for i = 1, #found, 2 do
  answer[#answer + 1] = { found[i], found[i + 1], redis.call('HMGET', ARGV[3] .. found[i], unpack(ARGV, 4)) }
end
return answer
`);

const occurrenceLua = `
local function member(at) return at .. ' ' .. ARGV[1] end

local function read(at)
  local text = redis.call('HGET', KEYS[4], at)
  return text and cjson.decode(text)
end

local function write(at, occurrence, is_open)
  redis.call('HSET', KEYS[4], at, cjson.encode(occurrence))
  redis.call('ZADD', KEYS[5], at, at)
  if is_open then
    redis.call('ZADD', KEYS[6], int(occurrence.due), member(at))
    redis.call('ZREM', KEYS[7], member(at))
  else
    redis.call('ZREM', KEYS[6], member(at))
    redis.call('ZADD', KEYS[7], int(now), member(at))
  end
end

local function touch() redis.call('HSET', KEYS[1], 'revision', note_change()) end
`;

/** ARGV 2 revision, 3 epoch, 4 cursor, then pairs of instant and JSON. Returns { outcome, 1 or 0 for each }. */
const decide = script(`${head}${occurrenceLua}
local f = redis.call('HMGET', KEYS[1], 'revision', 'epoch', 'cursor')
if not f[1] then return { 'absent' } end
local epoch = tonumber(ARGV[3])
if epoch > 0 and epoch < tonumber(f[2] or 0) then return { 'fenced' } end
if f[1] ~= ARGV[2] then return { 'stale' } end
local outcome = { 'ok' }
for i = 5, #ARGV, 2 do
  local at, occurrence = ARGV[i], cjson.decode(ARGV[i + 1])
  local is_new = redis.call('HEXISTS', KEYS[4], at) == 0
  if is_new then
    occurrence.decidedAt = now
    if occurrence.state == 'fired' then occurrence.firedAt = now end
    local is_open = occurrence.state == 'waiting' or occurrence.state == 'firing' or occurrence.state == 'fired'
    write(at, occurrence, is_open)
  end
  outcome[#outcome + 1] = is_new and 1 or 0
end
redis.call('HSET', KEYS[1], 'cursor', int(math.max(tonumber(f[3]), tonumber(ARGV[4]))))
if epoch > 0 then
  redis.call('HSET', KEYS[1], 'epoch', int(epoch))
else
  touch()
end
return outcome
`);

/** From \` waiting \` to the states that may follow. */
const movesLua = `local moves = {
${Object.entries(occurrenceMoves)
  .map(([from, to]) => `  ${from} = ' ${to.join(' ')} '`)
  .join(',\n')}
}
`;

/** ARGV 2 at, 3 state, 4 reason, 5 note, 6 task id, 7 follow, 8 state before or ''. */
const move = script(`${head}${occurrenceLua}${movesLua}
local occurrence = read(ARGV[2])
if not occurrence then return 'absent' end
if occurrence.state == ARGV[3] and (ARGV[6] == '' or occurrence.taskId == ARGV[6]) then return 'ok' end
if ARGV[8] ~= '' and occurrence.state ~= ARGV[8] then return 'illegal' end
if not string.find(moves[occurrence.state], ' ' .. ARGV[3] .. ' ', 1, true) then return 'illegal' end
occurrence.state = ARGV[3]
occurrence.reason = ARGV[4] ~= '' and ARGV[4] or nil
occurrence.note = ARGV[5] ~= '' and ARGV[5] or nil
if ARGV[6] ~= '' then occurrence.taskId = ARGV[6] end
if ARGV[3] == 'fired' then occurrence.firedAt = now end
write(ARGV[2], occurrence, ARGV[3] == 'firing' or ARGV[3] == 'fired' and ARGV[7] == '1')
return 'ok'
`);

/** ARGV 2 at. */
const reopen = script(`${head}${occurrenceLua}
if redis.call('EXISTS', KEYS[1]) == 0 then return 'absent' end
local known = read(ARGV[2])
if known and known.state ~= 'missed' and known.state ~= 'skipped' then return 'illegal' end
local at = tonumber(ARGV[2])
if known and (known.count or 1) > 1 then
  known.at, known.due, known.count = at + 1, at + 1, known.count - 1
  write(int(known.at), known, false)
end
write(ARGV[2], { at = at, due = at, kind = 'backfill', state = 'waiting', decidedAt = now }, true)
touch()
return 'ok'
`);

/** ARGV 2 at, 3 outcome, 4 failed: 1, 0 or empty. Returns the failures in a row, or -1. */
const finish = script(`${head}${occurrenceLua}
local occurrence = read(ARGV[2])
if not occurrence or occurrence.state ~= 'fired' or occurrence.outcome then return -1 end
occurrence.outcome = ARGV[3]
write(ARGV[2], occurrence, false)
local failures = redis.call('HGET', KEYS[1], 'failures')
if not failures then return ARGV[4] == '1' and 1 or 0 end
if ARGV[4] == '1' then return redis.call('HINCRBY', KEYS[1], 'failures', 1) end
if ARGV[4] == '0' then
  redis.call('HSET', KEYS[1], 'failures', 0)
  return 0
end
return tonumber(failures)
`);

/** KEYS occurrences, order. ARGV below, from, how many. Returns instant and JSON of each, newest first. */
const list = script(`
local found = {}
for _, at in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])) do
  local text = redis.call('HGET', KEYS[1], at)
  if text then
    found[#found + 1] = at
    found[#found + 1] = text
  end
end
return found
`);

/**
 * KEYS open. ARGV limit, prefix of occurrences, then due time and member of the last one seen, if there was one. Returns schedule id and JSON
 * of each. Members of one due time are in order of text: the place of the last one tells where to go on, also when it is there no more.
 */
const open = script(`
local from = 0
local known = ARGV[4] and redis.call('ZSCORE', KEYS[1], ARGV[4])
if ARGV[4] then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
  from = redis.call('ZRANK', KEYS[1], ARGV[4]) + 1
end
local members = redis.call('ZRANGE', KEYS[1], from, from + ARGV[1] - 1)
if known then
  redis.call('ZADD', KEYS[1], known, ARGV[4])
elseif ARGV[4] then
  redis.call('ZREM', KEYS[1], ARGV[4])
end
local found = {}
for _, member in ipairs(members) do
  local at, id = string.match(member, '^(%S+) (.+)$')
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', ARGV[2] .. id, at)
end
return found
`);

/** KEYS decided. ARGV kept for (ms), limit, prefixes of occurrences and of their order. */
const expire = script(`${timeLua}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now - ARGV[1]), 'LIMIT', 0, ARGV[2])) do
  local at, id = string.match(member, '^(%S+) (.+)$')
  redis.call('HDEL', ARGV[3] .. id, at)
  redis.call('ZREM', ARGV[4] .. id, at)
  redis.call('ZREM', KEYS[1], member)
end
return 1
`);

export const scheduleScripts: Readonly<
  Record<
    | 'put'
    | 'restore'
    | 'drop'
    | 'pause'
    | 'changed'
    | 'decide'
    | 'move'
    | 'reopen'
    | 'finish'
    | 'list'
    | 'open'
    | 'expire',
    Script
  >
> = { put, restore, drop, pause, changed, decide, move, reopen, finish, list, open, expire };
