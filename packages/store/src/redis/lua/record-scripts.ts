import { type Script, script, timeLua } from './common.ts';

/** KEYS record, ids of its kind, expiry, version. ARGV id, kind, 3 version that must be there (or empty), 4 value, 5 kept for (ms, or empty). Returns the new version, or 0. */
const put = script(`${timeLua}
local known = redis.call('HGET', KEYS[1], 'version')
if ARGV[3] ~= '' and ARGV[3] ~= (known or '0') then return '0' end
local version = int(next_fence(tonumber(redis.call('GET', KEYS[4]))))
local member = ARGV[2] .. ' ' .. ARGV[1]
redis.call('SET', KEYS[4], version)
redis.call('HSET', KEYS[1], 'version', version, 'value', ARGV[4])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
if ARGV[5] == '' then
  redis.call('PERSIST', KEYS[1])
  redis.call('ZREM', KEYS[3], member)
else
  local until_ms = int(now + ARGV[5])
  redis.call('PEXPIREAT', KEYS[1], until_ms)
  redis.call('ZADD', KEYS[3], until_ms, member)
end
return version
`);

/** KEYS record, ids of its kind, expiry. ARGV id, kind, 3 version that must be there (or empty). Returns 1 when it was there. */
const drop = script(`
local known = redis.call('HGET', KEYS[1], 'version')
if not known or ARGV[3] ~= '' and ARGV[3] ~= known then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[2] .. ' ' .. ARGV[1])
return 1
`);

/**
 * KEYS ids. ARGV from, how many, prefix of the records, how many ids to look at. Returns the id looked at last when there may be more,
 * then id, version and value of each. Ids of records that have expired are dropped on the way.
 */
const list = script(`
local from, wanted, left = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
local answer = { false }
while wanted > 0 and left > 0 do
  local asked = math.min(wanted, left)
  local ids = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, asked)
  for _, id in ipairs(ids) do
    local f = redis.call('HMGET', ARGV[3] .. id, 'version', 'value')
    if f[1] then
      local n = #answer
      answer[n + 1], answer[n + 2], answer[n + 3] = id, f[1], f[2]
      wanted = wanted - 1
    else
      redis.call('ZREM', KEYS[1], id)
    end
  end
  answer[1] = #ids == asked and ids[#ids]
  if not answer[1] then break end
  left = left - #ids
  from = '(' .. answer[1]
end
return answer
`);

/** KEYS expiry. ARGV limit, prefix of the ids of a kind. The records have gone by themselves. */
const expire = script(`${timeLua}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. int(now), 'LIMIT', 0, ARGV[1])) do
  local space = string.find(member, ' ', 1, true)
  redis.call('ZREM', ARGV[2] .. string.sub(member, 1, space - 1), string.sub(member, space + 1))
  redis.call('ZREM', KEYS[1], member)
end
return 1
`);

export const recordScripts: Readonly<Record<'put' | 'drop' | 'list' | 'expire', Script>> = { put, drop, list, expire };
