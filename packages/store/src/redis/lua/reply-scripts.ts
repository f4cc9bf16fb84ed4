import { type Script, script, timeLua } from './common.ts';

/** KEYS unanswered. ARGV older than (ms), limit, task prefix, then the fields wanted. Returns the fields of each task. */
const unanswered = script(`${timeLua}
local found = {}
for _, task_id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now - ARGV[1]), 'LIMIT', 0, ARGV[2])) do
  local fields = redis.call('HMGET', ARGV[3] .. task_id, unpack(ARGV, 4))
  if fields[1] then
    found[#found + 1] = fields
  else
    redis.call('ZREM', KEYS[1], task_id)
  end
end
return found
`);

/** KEYS letters, order. ARGV id, position, JSON. */
const putLetter = script(`
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then redis.call('ZREM', KEYS[2], string.sub(known, 1, #ARGV[2])) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[2])
return 1
`);

/** KEYS letters, order. ARGV id, length of a time in a position. Returns 1 when it was there. */
const dropLetter = script(`
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then return 0 end
redis.call('ZREM', KEYS[2], string.sub(known, 1, ARGV[2] + #ARGV[1]))
return redis.call('HDEL', KEYS[1], ARGV[1])
`);

/** KEYS letters, order. ARGV below, limit, length of a time in a position. Returns position and JSON of each, newest first. */
const listLetters = script(`
local found = {}
for _, position in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[2], ARGV[1], '-', 'LIMIT', 0, ARGV[2])) do
  local letter = redis.call('HGET', KEYS[1], string.sub(position, ARGV[3] + 1))
  if letter then
    found[#found + 1] = position
    found[#found + 1] = string.sub(letter, #position + 1)
  end
end
return found
`);

/** KEYS letters, order. ARGV kept for (ms), limit, length of a time in a position. */
const expireLetters = script(`${timeLua}
local before = '(' .. string.format('%016.0f', now - ARGV[1] + 1)
for _, position in ipairs(redis.call('ZRANGEBYLEX', KEYS[2], '-', before, 'LIMIT', 0, ARGV[2])) do
  redis.call('HDEL', KEYS[1], string.sub(position, ARGV[3] + 1))
  redis.call('ZREM', KEYS[2], position)
end
return 1
`);

export const replyScripts: Readonly<
  Record<'unanswered' | 'putLetter' | 'dropLetter' | 'listLetters' | 'expireLetters', Script>
> = { unanswered, putLetter, dropLetter, listLetters, expireLetters };
