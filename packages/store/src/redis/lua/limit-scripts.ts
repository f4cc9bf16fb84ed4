import { spareOneIn } from '../../gcra.ts';
import { type Script, script, timeLua } from './common.ts';

/** As gcra.ts, with the same whole microseconds. */
export const gcraLua: string = `
local function gcra(full_at, now_us, token, burst, most)
  local from = math.max(full_at, now_us)
  local after = from + token
  local allowed_at = after - token * burst
  if allowed_at > now_us then
    return { 0, 0, math.ceil((allowed_at - now_us) / 1000), math.ceil((from - now_us) / 1000), 0 }, full_at
  end
  local left = math.floor((now_us - allowed_at) / token)
  local ahead = math.min(most, math.floor(left / ${spareOneIn}))
  after = after + token * ahead
  return { 1, left - ahead, 0, math.ceil((after - now_us) / 1000), ahead }, after
end
`;

/** KEYS bucket. ARGV µs a token, burst, most to take along. Returns { allowed, remaining, retry after (ms), reset (ms), taken along }. */
const takeToken = script(`${gcraLua}
local time = redis.call('TIME')
local known = tonumber(redis.call('GET', KEYS[1]) or 0)
local now_us = time[1] * 1000000 + time[2]
local decision, full_at = gcra(known, now_us, tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
if decision[1] == 1 then redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', decision[4] + 1) end
return decision
`);

/** KEYS lease. ARGV owner, lease (ms). Returns { held, epoch, remaining (ms) }. */
const acquireLease = script(`${timeLua}
local lease = redis.call('HMGET', KEYS[1], 'owner', 'until', 'epoch')
local left, epoch = tonumber(lease[2] or 0) - now, tonumber(lease[3] or 0)
if left > 0 and lease[1] ~= ARGV[1] then return { 0, epoch, left } end
if left <= 0 then epoch = next_fence(epoch) end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', int(now + ARGV[2]), 'epoch', int(epoch))
return { 1, epoch, tonumber(ARGV[2]) }
`);

/** KEYS lease. ARGV owner. */
const releaseLease = script(`
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HSET', KEYS[1], 'until', 0) end
return 1
`);

export const limitScripts: Readonly<Record<'takeToken' | 'acquireLease' | 'releaseLease', Script>> = {
  takeToken,
  acquireLease,
  releaseLease,
};
